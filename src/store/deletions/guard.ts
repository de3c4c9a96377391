/**
 * Whether a deletion is still wanted, and the point of no return before its DELETE: one step in Redis decides between the worker that would
 * send it and a cancellation.
 */
import type { Queue } from 'bullmq';
import type { DeletionGuard, DeletionRun, LockProof } from '../../lifecycle/ports/deletion-guard.ts';
import type { Command, Decision, Seen } from '../../redis/change.ts';
import { circuitsAt } from '../circuits/circuit-state.ts';
import { DELETION_LIMIT } from '../circuits/deletion-limit.ts';
import {
  type DeletionAddress,
  type Names,
  DeletionNames,
  decisionKeyOf,
  pendingKeyOf,
} from './deletion-names.ts';
import { type Standing, keep, standingOf } from './name-state.ts';
import { authorizeSuspension, awaitsDue, noteSuspension, noteVoid, suspensionFor } from './suspensions.ts';

export interface DeletionGuardOptions {
  jobs: Queue;
  prefix: string;
  /** How many deletions the fleet sends within an hour without approval. */
  deletionsPerHour: number;
}

/** Guards the deletions of this queue of jobs. */
export function createDeletionGuard({ jobs, prefix, deletionsPerHour }: DeletionGuardOptions): DeletionGuard {
  const names = new DeletionNames({ jobs, prefix });
  return {
    async check(run, instance, ids) {
      const check = (address: DeletionAddress) =>
        names.decide(address, (seen, names) => checkDeletion(seen, names, run));
      const address = { ...ids, instance };
      const checked = await check(address);
      const userId = checked.suspension?.userId;
      // A cancellation may name the user by the id that the suspension has shown.
      if (userId === undefined) return checked;
      return check({ ...address, also: { userId } });
    },
    authorizeSuspension: (run, lock, instance, ids, asked) =>
      names.decide({ ...ids, instance }, (seen, names) => authorizeSuspension(seen, names, run, lock, asked)),
    noteSuspension: ({ jobId }, state) => names.change((seen) => noteSuspension(seen, prefix, jobId, state)),
    authorizeDelete: (run, lock, instance, ids, kind) =>
      names.decide({ ...ids, instance }, (seen, names) =>
        authorizeDelete(seen, names, run, lock, kind === 'sends' ? deletionsPerHour : undefined),
      ),
  };
}

type Checked = Awaited<ReturnType<DeletionGuard['check']>>;
type Authorized = Awaited<ReturnType<DeletionGuard['authorizeDelete']>>;

/** Before a deletion waits for its user or for a circuit: whether it has to run at all. {@link authorizeDelete} decides finally. */
export function checkDeletion(seen: Seen, names: Names, run: DeletionRun): Decision<Checked> {
  const { jobId, scheduler } = run;
  const standing = standingOf(seen, names, run);
  const dueAt = seen.score(pendingKeyOf(names.prefix), jobId);
  const suspension = suspensionFor(standing, dueAt, seen.now);
  const is = stand(standing, seen.text('GET', decisionKeyOf(names.prefix, jobId)));
  const writes: Command[] = [];
  const note = (field: string, value: string) =>
    writes.push(
      ...standing.names.flatMap((name): Command[] => [['HSET', name.key, field, value], keep(seen, name)]),
    );
  if (is === 'cancelled' && scheduler !== undefined) note('voidScheduler', scheduler);
  // No circuit holds it any longer.
  const isDue = suspension === undefined || suspension.does === 'delete';
  if (is !== 'open' || !isDue) writes.push(...leaveCircuits(seen, names.prefix, jobId));
  // An operator's decision was about the old due time.
  if (!isDue) writes.push(['DEL', decisionKeyOf(names.prefix, jobId)], ...noteAlso(seen, standing));
  // It had failed, and is pending again.
  if (dueAt === undefined && (suspension?.does === 'await' || suspension?.does === 'suspend'))
    writes.push(['ZADD', pendingKeyOf(names.prefix), suspension.dueAt, jobId]);
  // From here on a cancellation knows of it, though another client has added it.
  if (!standing.isSent && isDue && (is === 'open' || is === 'released')) note('begunJob', jobId);
  return { answer: { is, requestedAt: standing.requestedAt, dueAt, suspension }, writes };
}

/** If another id of its user voids the deletion, its own name says so, too. */
function noteAlso(seen: Seen, standing: Standing): Command[] {
  return standing.void === undefined ? [] : noteVoid(seen, standing, standing.void);
}

function stand({ isSent, void: reason }: Standing, decision: string | undefined): Checked['is'] {
  if (isSent) return 'released';
  if (reason === 'cancelled') return 'cancelled';
  if (decision === 'refuse') return 'refused';
  return decision === 'release' ? 'released' : 'open';
}

/** If the deletion limit then holds no job, its circuit closes. */
function leaveCircuits(seen: Seen, prefix: string, jobId: string): Command[] {
  const circuits = (['deletion-limit', 'damoov', 'admin'] as const)
    .map(circuitsAt(prefix, new Map([DELETION_LIMIT])))
    .filter(({ heldKey }) => seen.score(heldKey, jobId) !== undefined);
  return circuits.flatMap(({ key, heldKey, isDeletionLimit }): Command[] => [
    ['ZREM', heldKey, jobId],
    ...(isDeletionLimit ? [['DEL-IF-EMPTY', key, heldKey] as const] : []),
  ]);
}

const HOUR_MS = 3_600_000;

/**
 * The point of no return of a deletion: `go` allows this run to send the DELETE, and from then on it cannot be cancelled. Asked a second
 * time by the same run (a reply was lost), or by a later one, it answers the same.
 * @param limit how many may be sent within an hour; undefined if this run sends nothing.
 */
export function authorizeDelete(
  seen: Seen,
  names: Names,
  run: DeletionRun,
  lock: LockProof,
  limit: number | undefined,
): Decision<Authorized> {
  const { jobId } = run;
  const standing = standingOf(seen, names, run);
  const isReleased = seen.text('GET', decisionKeyOf(names.prefix, jobId)) === 'release';
  const dueAt = seen.score(pendingKeyOf(names.prefix), jobId);
  if (seen.text('HGET', lock.key, lock.field) !== lock.value) return { answer: 'lost' };
  if (!standing.isSent && standing.void !== undefined)
    return { answer: standing.void, writes: noteVoid(seen, standing, standing.void) };
  if (!standing.isSent && awaitsDue(standing, dueAt, seen.now)) return { answer: 'early' };
  const writes: Command[] = [];
  // From here on a run that is cut off may have deleted the user.
  if (limit !== undefined) writes.push(['HSETNX', lock.key, 'deletingSince', `${seen.now} ${lock.value}`]);
  for (const name of standing.names) {
    if (!standing.isSent || name.sentJob !== jobId) {
      writes.push(['HSET', name.key, 'sentJob', jobId]);
      writes.push(['HDEL', name.key, 'sentEnd', 'begunJob', 'cancelledJob', 'at']);
    }
    writes.push(keep(seen, name));
  }
  // A deletion that was sent was counted then; one that an operator released is not counted.
  if (standing.isSent || isReleased || limit === undefined) return { answer: 'go', writes };
  const key = `${names.prefix}:deletions-sent`;
  return { answer: 'go', writes, room: { key, member: jobId, limit, withinMs: HOUR_MS, otherwise: 'held' } };
}
