/**
 * Deferred deletions: delayed `delete-user` jobs, one a user, under an id that follows from who it is, and an index of them by when
 * they are due. Knows keys, scripts and jobs; what a deletion does is decided elsewhere.
 */
import type { Queue } from 'bullmq';
import { timeFault } from '../../contract/timestamp-fault.ts';
import { parseJob } from '../../contract/job.ts';
import { promoteJob } from '../../bullmq/elsewhere.ts';
import { type Cancellation, cancelDeletions } from './cancel-deletions.ts';
import { type Deletion, type ListOptions, listDeletions, readDeletion } from './deletion-list.ts';
import { type DeletionAddress, DeletionNames } from './deletion-names.ts';
import { firstPending, readPlaces, standingOf } from './name-state.ts';
import { type PutOptions, type PutRequest, type Scheduled, PendingDeletions } from './put-deletion.ts';

export type { Cancellation, Scheduled };

/** Whose deletion it is: as the request named the user, by one id at least. */
export interface DeletionOf {
  clientId?: string | undefined;
  userId?: string | undefined;
  /** Default `default`. */
  instance?: string | undefined;
}

export interface DeletionRequest extends DeletionOf {
  reason?: string | undefined;
  correlationId?: string | undefined;
}

export interface Deletions {
  /**
   * Schedules the deletion of a user for a time in epoch milliseconds, or runs it now if that is past. If one is pending, returns it and
   * renews its request time: a create in between no longer voids it.
   * @param options `reschedules`: the pending one is moved to this time; `too-late` if it is being carried out; `suspends`: its user is
   * suspended until then, and resumed if it is cancelled or the user signs up again.
   * @throws RangeError for a time that the queue cannot count to or that is in seconds, TypeError for a request that is no job.
   */
  schedule(
    request: DeletionRequest,
    dueAt: number,
    options?: { reschedules?: boolean; suspends?: boolean } & PutOptions,
  ): Promise<Scheduled | 'too-late'>;
  /** Moves the deletion that is pending, and makes none. */
  reschedule(user: DeletionOf, dueAt: number): Promise<Scheduled | Exclude<Cancellation, 'cancelled'>>;
  /**
   * Voids every deletion of the user that was requested until now, by the ids that the request named: also those of other BullMQ
   * clients, known or not. Repeated, it answers the same.
   */
  cancel(user: DeletionOf): Promise<Cancellation>;
  /** What is pending, the next due first, some at a time; none is returned twice, even if others are added or removed meanwhile. */
  list(options?: ListOptions): AsyncIterable<Deletion>;
  /** The one that is pending under the id that the request named; those that others have added are only in the list. */
  find(user: DeletionOf): Promise<Deletion | undefined>;
}

/** Beyond it the queue's order loses precision: it keeps times as milliseconds times 4096, in 53 bits. In epoch milliseconds. */
export const LAST_DUE_MS = 2 ** 41 - 1;

/** A cancellation is remembered longer than any deletion can be deferred. */
const LAST_DUE_S = Math.ceil(LAST_DUE_MS / 1000);

/** Why a deletion cannot be due then; undefined if it can. A past time means now; a time given in seconds is refused. */
export function dueFaultOf(dueAt: number): string | undefined {
  if (!(dueAt <= LAST_DUE_MS))
    return `a deletion can be due until ${new Date(LAST_DUE_MS).toISOString()}, not later`;
  const fault = timeFault(dueAt, LAST_DUE_MS);
  return fault && `the time at which the deletion is due ${fault}`;
}

/** The deletions in a queue of jobs. For producers, too: it needs nothing but the queue's Redis. */
export function createDeletions({ jobs, prefix }: { jobs: Queue; prefix: string }): Deletions {
  const names = new DeletionNames({ prefix, jobs });
  const pendingDeletions = new PendingDeletions(jobs, names);

  /** Whether the deletion of another client is void: its job does not show it. */
  async function isVoid({ jobId, requestedAt, clientId, userId, instance }: Deletion): Promise<boolean> {
    // As the worker reads it.
    const run = { jobId, timestamp: Number.isSafeInteger(requestedAt) ? requestedAt : 0 };
    return names.decide({ clientId, userId, instance }, (seen, of) => ({
      answer: standingOf(seen, of, run).void === 'cancelled',
    }));
  }

  return {
    async schedule(request, dueAt, { reschedules = false, suspends = false, ...options } = {}) {
      const mode = reschedules ? 'add-or-move' : 'add';
      const scheduled = await pendingDeletions.put(readPut(request, dueAt, mode), options);
      if (scheduled === 'none' || scheduled === 'done') throw new Error('nothing was scheduled');
      if (suspends && scheduled !== 'too-late') await pendingDeletions.suspend(scheduled.jobId);
      return scheduled;
    },
    reschedule: async (user, dueAt) => pendingDeletions.put(readPut(user, dueAt, 'move')),
    async cancel(user) {
      const { is, jobs: cancelled } = await names.decide(read(user).address, (seen, of) =>
        cancelDeletions(seen, of, LAST_DUE_S),
      );
      // Each ends at once, with its event. Where this is cut off it does so when it is due.
      await Promise.all(cancelled.map((jobId) => promoteJob(jobs, jobId)));
      return is;
    },
    list: (options) => listDeletions({ jobs, prefix, isVoid }, options),
    async find(user) {
      const { address } = read(user);
      const pending = await names.decide(address, (seen, of) => ({
        answer: firstPending(seen, prefix, readPlaces(seen, of)),
      }));
      if (pending === undefined) return undefined;
      const deletion = await readDeletion(jobs, pending.jobId, pending.dueAt);
      if (deletion === undefined) return undefined;
      // The index knows whose it is, whatever became of the job's data.
      const { jobId, dueAt, requestedAt } = pending;
      if (deletion === 'unreadable') {
        const { instance, clientId, userId } = address;
        const named = {
          ...(clientId !== undefined && { clientId }),
          ...(userId !== undefined && { userId }),
        };
        return { instance, ...named, jobId, dueAt, requestedAt };
      }
      return { ...deletion, requestedAt: Math.max(deletion.requestedAt, requestedAt) };
    },
  };
}

function readPut(request: DeletionRequest, dueAt: number, mode: PutRequest['mode']): PutRequest {
  const fault = dueFaultOf(dueAt);
  if (fault !== undefined) throw new RangeError(fault);
  return { ...read(request), dueAt: Math.max(0, Math.ceil(dueAt)), mode };
}

/** Unset fields cost no memory: there may be a million deletions. */
function read({ instance, ...request }: DeletionRequest): { address: DeletionAddress; data: object } {
  const named = instance === undefined || instance === 'default' ? {} : { instance };
  const data = { ...request, ...named };
  const parsed = parseJob('delete-user', data);
  if (!parsed.ok) throw new TypeError(`no deletion: ${parsed.invalid.message}`);
  const { clientId, userId, instance: known } = parsed.job.data;
  return { address: { clientId, userId, instance: known }, data };
}
