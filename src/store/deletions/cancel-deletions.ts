/** Voids every deletion of a user that was requested until now, known or not, and returns what is known of them. */
import type { Command, Decision, Seen } from '../../redis/change.ts';
import { type Names, pendingKeyOf } from './deletion-names.ts';
import { type NameState, isSent, readPlaces } from './name-state.ts';

/**
 * The answer to a cancellation. It voids every earlier deletion of the user, of any client. `cancelled`: no DELETE is sent. `too-late`: a
 * DELETE may have been sent. `done`: it was carried out. `none`: no deletion was known to be pending.
 */
export type Cancellation = 'cancelled' | 'too-late' | 'done' | 'none';

/** What each answer means to an operator. */
export const CANCELLATION_TEXTS: Record<Cancellation, string> = {
  cancelled: 'the user is not deleted',
  'too-late': 'the deletion is being carried out, or failed after it may have been sent',
  done: 'the deletion was carried out',
  none: 'no deletion of this user is known to be pending',
};

/** The first that is true of any name. */
const FIRST = ['too-late', 'cancelled', 'done'] as const;

/**
 * @param untilS how long that is known, in seconds since 1970.
 * @returns with the ids of the jobs that are cancelled.
 */
export function cancelDeletions(
  seen: Seen,
  names: Names,
  untilS: number,
): Decision<{ is: Cancellation; jobs: string[] }> {
  const index = pendingKeyOf(names.prefix);
  const places = readPlaces(seen, names);
  const writes: Command[] = [];
  const found = places.map((name) => {
    const isPending = seen.score(index, name.jobId) !== undefined && !isSent(name);
    if (isPending) {
      writes.push(['ZREM', index, name.jobId]);
      writes.push(['HSET', name.key, 'voidBelow', name.number + 1]);
    }
    return cancelled(name, isPending ? name.jobId : name.begunJob);
  });
  const jobs = [...new Set(found.flatMap(({ jobId }) => jobId ?? []))];
  const last = jobs.at(-1);
  for (const { key, voidBefore } of places) {
    writes.push(['HSET', key, 'voidBefore', Math.max(seen.now, voidBefore)], ['HDEL', key, 'at']);
    if (last !== undefined) writes.push(['HSET', key, 'cancelledJob', last]);
    writes.push(['EXPIRE-AT-LEAST', key, untilS - Math.floor(seen.now / 1000)]);
  }
  return { answer: { is: FIRST.find((is) => found.some((one) => one.is === is)) ?? 'none', jobs }, writes };
}

/**
 * What becomes of the deletions under a name, and the id of the one that is cancelled.
 * @param jobId of one that is pending or begun.
 */
function cancelled(
  { sentJob, sentEnd, cancelledJob }: NameState,
  jobId: string | undefined,
): { is: Cancellation; jobId?: string } {
  const mayBeSent = sentJob !== undefined && sentEnd !== 'done';
  if (jobId !== undefined) return { is: mayBeSent ? 'too-late' : 'cancelled', jobId };
  if (mayBeSent) return { is: 'too-late' };
  if (cancelledJob !== undefined) return { is: 'cancelled', jobId: cancelledJob };
  return { is: sentJob === undefined ? 'none' : 'done' };
}
