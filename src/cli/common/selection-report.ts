/**
 * Formats what a command selects of a failed set: how many there are of each kind, and a table.
 */
import { durationText, instantText } from '../../contract/duration.ts';
import { aligned, counted, numberText, onOneLine } from '../terminal/text.ts';

/** `failedAt`: epoch milliseconds; NaN if unknown. */
export interface FailedEntry {
  failedAt: number;
  attempts: number;
}

/** How those of one failed set are shown. */
export interface Report<One extends FailedEntry> {
  /** What one is called. */
  what: string;
  /** Their name in JSON. */
  key: string;
  /** By what they are counted. */
  kindOf: (one: One) => Record<string, string>;
  /** The cells of a line after its age and its attempts, by their headings. */
  columns: Record<string, (one: One) => string>;
}

export interface Counts {
  total: number;
  by: Record<string, string | number>[];
}

/** Counts those of each kind, the most frequent first, without keeping them. */
export async function countKinds<One extends FailedEntry>(
  pages: AsyncIterable<One[]>,
  { key, kindOf }: Report<One>,
): Promise<Counts> {
  const rows = new Map<string, { kind: Record<string, string>; count: number }>();
  let total = 0;
  for await (const page of pages) {
    total += page.length;
    for (const one of page) {
      const kind = kindOf(one);
      const name = Object.values(kind).join(' ');
      rows.set(name, { kind, count: (rows.get(name)?.count ?? 0) + 1 });
    }
  }
  const sorted = [...rows.values()].sort((a, b) => b.count - a.count);
  return { total, by: sorted.map(({ kind, count }) => ({ ...kind, [key]: count })) };
}

/** A line for each kind, and the total. @param others how many were not selected. */
export function countsText<One extends FailedEntry>(
  { total, by }: Counts,
  others: number,
  { what, key }: Report<One>,
): string {
  if (total === 0 && others === 0) return `There is no ${what}; each is kept for 14 days.`;
  if (total === 0) return `No ${what} matches, ${counted(others, 'other does', 'others do')} not.`;
  const rows = by.map(({ [key]: count, ...kind }) => [
    numberText(Number(count)),
    ...Object.values(kind).map(String),
  ]);
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
