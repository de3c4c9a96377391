/**
 * Text from the outside on a terminal: ids may hold line breaks, and what a terminal takes for commands.
 */
export function onOneLine(text: string): string {
  return text.replaceAll(/[\p{C}\p{Zl}\p{Zp}]+/gu, ' ');
}
