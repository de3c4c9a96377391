/**
 * Formats what a command selects of a failed set: how many there are of each kind, and a table.
 */
import type { Kinds } from '../../bullmq/selection.ts';
import { durationText, instantText } from '../../contract/duration.ts';
import { aligned, counted, numberText, onOneLine } from '../terminal/text.ts';

/** `failedAt`: epoch milliseconds; NaN if unknown. */
export interface FailedEntry {
  failedAt: number;
  attempts: number;
}

/** How those of one failed set are shown. */
export interface Report<One extends FailedEntry> {
  /** Their name in JSON. */
  key: string;
  /** The cells of a line after its age and its attempts, by their headings. */
  columns: Record<string, (one: One) => string>;
}

/** A line for each kind, and the total. @param others how many were not selected; `what`: what one is called. */
export function countsText({ total, by }: Kinds, others: number, what: string): string {
  if (total === 0 && others === 0) return `There is no ${what}; each is kept for 14 days.`;
  if (total === 0) return `No ${what} matches, ${counted(others, 'other does', 'others do')} not.`;
  const rows = by.map(({ kind, count }) => [numberText(count), ...Object.values(kind)]);
  return [...aligned(rows), `${numberText(total)} in all`].join('\n');
}

/**
 * Lines with a heading.
 * @param now epoch milliseconds, from which ages count.
 * @param width of the terminal: longer lines are cut. Default: no limit.
 */
export function tableOf<One extends FailedEntry>(
  some: readonly One[],
  { columns }: Report<One>,
  now: number,
  width = Infinity,
): string[] {
  const rows = some.map((one) => [
    instantText(one.failedAt) === undefined ? '-' : durationText(now - one.failedAt),
    numberText(one.attempts),
    ...Object.values(columns).map((cell) => onOneLine(cell(one))),
  ]);
  return aligned([['age', 'attempts', ...Object.keys(columns)], ...rows]).map((line) =>
    line.length <= width ? line : `${line.slice(0, Math.max(0, width - 1))}…`,
  );
}
