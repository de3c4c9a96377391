/**
 * Waits until all is carried out, or until nothing goes on any more.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Collector } from './collector.ts';
import type { LoadJob } from './load.ts';
import type { Producer } from './producer.ts';

/** So long without a job settled, and none will be: longer than any wait of the workers. */
const STUCK_MS = 90_000;

const LOOK_MS = 250;

/**
 * @param work what has to be over, too: its failure is thrown.
 * @returns false where it got stuck.
 * @throws the signal's reason.
 */
export async function isCarriedOut(
  work: readonly Promise<unknown>[],
  total: number,
  collector: Collector,
  producer: Pick<Producer, 'leftOver' | 'hurry'>,
  onProgress: (settled: number) => void = () => undefined,
  signal: AbortSignal = new AbortController().signal,
): Promise<boolean> {
  let isWorkOver = false;
  const { promise: failure, reject } = Promise.withResolvers<never>();
  Promise.all(work).then(() => (isWorkOver = true), reject);
  signal.addEventListener('abort', () => reject(signal.reason));
  let last = { settled: -1, left: -1 };
  let changedAt = performance.now();
  while (performance.now() - changedAt < STUCK_MS) {
    const { settled } = collector;
    const { left, areAllDelayed } = await Promise.race([failure, leftOver(producer)]);
    if (isWorkOver && settled === total && left === 0) return true;
    // An update whose user is still being created waits for seconds, and nothing else will happen meanwhile: no fault either, as
    // those fall when so many jobs are settled.
    if (areAllDelayed) await Promise.race([failure, producer.hurry()]);
    if (settled !== last.settled) onProgress(settled);
    if (settled !== last.settled || left !== last.left) changedAt = performance.now();
    last = { settled, left };
    await Promise.race([failure, sleep(LOOK_MS)]);
  }
  return false;
}

/** How many jobs are neither completed nor failed; Infinity, where Redis does not say it soon. */
async function leftOver(
  producer: Pick<Producer, 'leftOver'>,
): Promise<{ left: number; areAllDelayed: boolean }> {
  const counts = await Promise.race([producer.leftOver(), sleep(10 * LOOK_MS, undefined)]);
  if (counts === undefined) return { left: Number.POSITIVE_INFINITY, areAllDelayed: false };
  const left = Object.values(counts).reduce((sum, count) => sum + count, 0);
  return { left, areAllDelayed: left > 0 && left === counts['delayed'] };
}

/** The first few jobs without an event, with what the queue says of them. */
export async function describeStuck(
  load: readonly LoadJob[],
  collector: Collector,
  producer: Producer,
): Promise<string> {
  const stuck = load.filter(({ id }) => !collector.isSettled(id));
  const states = stuck.slice(0, 10).map(async ({ id }) => `${id} ${await producer.stateOf(id)}`);
  return `${stuck.length} jobs have no event: ${(await Promise.all(states)).join(', ')}`;
}
