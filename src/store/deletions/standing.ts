/** Reads the state of a deletion that a worker is about to carry out: what is known of it under the names of its user. */
import type { DeletionRun } from '../../lifecycle/ports/deletion-guard.ts';
import type { Seen } from '../../redis/change.ts';
import type { Names } from './deletion-names.ts';
import { type NameState, ownNameOf, readName } from './name-state.ts';

export interface Standing {
  /** Its DELETE may have been sent, and it has not failed since. */
  isSent: boolean;
  /** Why it must not be sent: it was cancelled, or the user has signed up again since. */
  void: 'cancelled' | 'returned' | undefined;
  /** The last time, in epoch milliseconds. */
  requestedAt: number;
  names: NameState[];
}

export function standingOf(seen: Seen, { prefix, hashes }: Names, run: DeletionRun): Standing {
  const { jobId, timestamp, scheduler } = run;
  const own = ownNameOf(jobId);
  const all = new Set(own === undefined ? hashes : [own.hash, ...hashes]);
  const names = [...all].map((hash) => readName(seen, prefix, hash));
  const ownName = own && names[0];
  const last = ownName?.number === own?.number ? ownName : undefined;
  const requestedAt = Math.max(timestamp, last?.requestedAt ?? 0);
  const askedAfter = last?.askedAfter ?? 0;
  const isReplaced = own !== undefined && own.number < (ownName?.voidBelow ?? 0);
  const isCancelledBy = (name: NameState) =>
    // One that was known when it was cancelled is void whatever the clock of its client says.
    name.cancelledJob === jobId ||
    // All that a job scheduler adds was requested when it was set up.
    (scheduler !== undefined && name.voidScheduler === scheduler) ||
    (requestedAt <= name.voidBefore && askedAfter < name.voidBefore);
  const isCancelled = isReplaced || names.some(isCancelledBy);
  const hasReturned = names.some((name) => requestedAt < name.returnedAt);
  const sent = names.filter((name) => name.sentJob === jobId);
  return {
    isSent: sent.length > 0 && sent.every((name) => name.sentEnd !== 'failed'),
    void: (isCancelled && 'cancelled') || (hasReturned && 'returned') || undefined,
    requestedAt,
    names,
  };
}
