/**
 * What a steady stream of deferred deletions leaves in Redis, day by day: those that are pending, and the notes of those that
 * were sent or cancelled. Knows no other load.
 */
import { ASSUMED, MEASURED, SET } from './scaling-figures.ts';

export interface Horizon {
  readonly pending: number;
  readonly bytes: number;
}

export interface Stream {
  readonly perDay: number;
  readonly deferredDays: number;
  /** The share that is cancelled, on whichever day before it is due. */
  readonly cancelledShare?: number;
}

/** How things stand at the end of each day, from the first one on. */
export function horizonOf(
  { perDay, deferredDays, cancelledShare = ASSUMED.cancelledShare }: Stream,
  days: number,
): Horizon[] {
  const cancelledADay = (perDay * cancelledShare) / deferredDays;
  const sent = keptFor(SET.sentDeletionDays);
  const cancelled = keptFor(SET.cancelledDeletionDays);
  let pending = 0;
  return Array.from({ length: days }, (_, day) => {
    // Each of the last so many days loses a part of its deletions to cancellations.
    const cancelledToday = cancelledADay * Math.min(day + 1, deferredDays);
    const sentToday = day >= deferredDays ? perDay * (1 - cancelledShare) : 0;
    pending += perDay - cancelledToday - sentToday;
    const bytes =
      pending * MEASURED.pendingBytes +
      sent(sentToday) * MEASURED.sentDeletionBytes +
      cancelled(cancelledToday) * MEASURED.cancelledDeletionBytes;
    return { pending, bytes };
  });
}

/** Told what a day adds, answers what is there of the last so many days. */
function keptFor(days: number): (added: number) => number {
  const added: number[] = [];
  let kept = 0;
  return (today) => {
    added.push(today);
    kept += today - (added.at(-1 - days) ?? 0);
    return kept;
  };
}
