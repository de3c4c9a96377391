/**
 * Which delimiter a CSV has, by its header.
 */
import { type ColumnMap, columnOf } from './columns.ts';

const DELIMITERS = [',', ';', '\t'] as const;

/** The one under which most columns of the first line are known; a comma where none is better. */
export function delimiterOf(head: string, map: ColumnMap | undefined): string {
  const line = /[^\r\n\uFEFF][^\r\n]*/.exec(head)?.[0] ?? '';
  const scored = DELIMITERS.map((delimiter) => {
    const names = line.split(delimiter).map((name) => name.trim().replace(/^"(.*)"$/, '$1'));
    const known = names.filter((name) => columnOf(name, map).is !== 'unknown').length;
    return { delimiter, known, count: names.length };
  });
  return scored.reduce((best, next) =>
    next.known > best.known || (next.known === best.known && next.count > best.count) ? next : best,
  ).delimiter;
}
