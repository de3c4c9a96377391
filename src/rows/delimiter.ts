/**
 * Which delimiter a CSV has, by its header.
 */
import type { Columns } from './columns.ts';

const DELIMITERS = [',', ';', '\t'] as const;

/** The one under which most columns of the first line are known; a comma where none is better. */
export function delimiterOf(head: string, columns: Columns): string {
  const line = /[^\r\n\uFEFF][^\r\n]*/.exec(head)?.[0] ?? '';
  const scored = DELIMITERS.map((delimiter) => {
    const names = namesIn(line, delimiter);
    return { delimiter, known: names.filter((name) => columns.isKnown(name)).length, count: names.length };
  });
  return scored.reduce((best, next) =>
    next.known > best.known || (next.known === best.known && next.count > best.count) ? next : best,
  ).delimiter;
}

/** The names of a header, as far as they have no delimiter within quotes. */
export function namesIn(line: string, delimiter: string): string[] {
  return line.split(delimiter).map((name) => name.trim().replace(/^"(.*)"$/, '$1'));
}
