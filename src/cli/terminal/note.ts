/**
 * A note beside the result of a command: that it is empty, or what could not be seen. For machines it is a line of JSON that has
 * `note`, which no line of a result has.
 */

/** @param facts the figures of the note, for machines. */
export function noteLine(sentences: readonly string[], facts: object, isJson: boolean): string {
  const note = sentences.join(' ');
  return isJson ? JSON.stringify({ note, ...facts }) : note;
}
