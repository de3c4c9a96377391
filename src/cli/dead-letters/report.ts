/**
 * Formats the output of `damoov-users dead-letters`.
 */
import type { DeadLetter } from '../../bullmq/dead-letters.ts';
import { durationText, instantText } from '../../contract/duration.ts';
import { aligned, numberText, onOneLine } from '../terminal/text.ts';

/** How many there are of each queue and type. */
export interface LetterCounts {
  total: number;
  by: { queue: string; type: string; events: number }[];
}

/** Counts without keeping them. */
export async function countLetters(pages: AsyncIterable<DeadLetter[]>): Promise<LetterCounts> {
  const rows = new Map<string, LetterCounts['by'][number]>();
  let total = 0;
  for await (const letters of pages) {
    total += letters.length;
    for (const { queue, type } of letters) {
      const row = rows.get(`${queue} ${type}`) ?? { queue, type, events: 0 };
      row.events += 1;
      rows.set(`${queue} ${type}`, row);
    }
  }
  return { total, by: [...rows.values()].sort((a, b) => b.events - a.events) };
}

/** A line for each queue and type, the most frequent first, and the total. @param others those that were not chosen. */
export function lettersText({ total, by }: LetterCounts, others: number): string {
  if (total === 0 && others === 0) return 'There is no dead letter; each is kept for 14 days.';
  if (total === 0) return `No dead letter matches; there are ${numberText(others)} others.`;
  const rows = by.map(({ queue, type, events }) => [numberText(events), queue, type]);
  return [...aligned(rows), `${numberText(total)} in all`].join('\n');
}

/** @param now epoch milliseconds, from which ages count. @param columns the width of the terminal: longer lines are cut. */
export function lettersTable(letters: readonly DeadLetter[], now: number, columns = Infinity): string[] {
  const rows = letters.map(
    ({ failedAt, attempts, queue, type, clientId = '-', userId = '-', eventId = '-', error }) => [
      instantText(failedAt) === undefined ? '-' : durationText(now - failedAt),
      numberText(attempts),
      queue,
      type,
      clientId,
      userId,
      error,
      eventId,
    ],
  );
  const heading = ['age', 'attempts', 'queue', 'type', 'clientId', 'UserId', 'error', 'event'];
  return aligned([heading, ...rows.map((row) => row.map(onOneLine))]).map((line) =>
    line.length <= columns ? line : `${line.slice(0, Math.max(0, columns - 1))}…`,
  );
}
