/**
 * How long cancelling and listing take among a great many pending deletions.
 */
import type { Deletions } from '../src/store/deletions/deletions.ts';
import { type Figure, percentile, timesOf } from './figures.ts';
import { clientIdOf } from './pending.ts';

const CANCELLED = 2000;
const LISTED = 50;

/** One at a time, beside a worker that ends what is cancelled. */
export async function cancelAndList(deletions: Deletions, jobs: number): Promise<Figure[]> {
  const listMs = await timesOf(CANCELLED / 10, () => listNext(deletions));
  const victims = randomIndexes(Math.min(CANCELLED, Math.floor(jobs / 2)), jobs);
  const cancelMs = await timesOf(victims.length, async (index) => {
    const answer = await deletions.cancel({ clientId: clientIdOf(victims[index] ?? 0) });
    if (answer !== 'cancelled') throw new Error(`a cancellation was answered ${answer}`);
  });
  const nobodyMs = await timesOf(CANCELLED / 10, (index) =>
    deletions.cancel({ clientId: `nobody-${index}` }),
  );
  return [
    { name: 'cancelP50', what: 'cancel by user, p50', value: percentile(cancelMs, 0.5), unit: 'ms' },
    {
      name: 'cancelP99',
      what: 'cancel by user, p99',
      value: percentile(cancelMs, 0.99),
      unit: 'ms',
      goal: 5,
    },
    { name: 'cancelMost', what: 'cancel by user, the longest', value: Math.max(...cancelMs), unit: 'ms' },
    {
      name: 'nobodyP50',
      what: 'cancel of nobody, p50',
      value: percentile(nobodyMs, 0.5),
      unit: 'ms',
    },
    { name: 'listP50', what: `list the next ${LISTED}, p50`, value: percentile(listMs, 0.5), unit: 'ms' },
    { name: 'listP99', what: `list the next ${LISTED}, p99`, value: percentile(listMs, 0.99), unit: 'ms' },
  ];
}

/** A page of the list, as `deletions list` reads it. */
async function listNext(deletions: Deletions): Promise<void> {
  let listed = 0;
  for await (const _ of deletions.list()) {
    listed += 1;
    if (listed === LISTED) return;
  }
  throw new Error(`${listed} deletions are listed`);
}

function randomIndexes(count: number, below: number): number[] {
  const indexes = new Set<number>();
  while (indexes.size < count) indexes.add(Math.floor(Math.random() * below));
  return [...indexes];
}
