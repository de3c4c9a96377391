/**
 * Deferred deletions: delayed `delete-user` jobs, one a user, under an id that follows from who it is, so that a second
 * request and a cancellation find it without an index. Knows keys and scripts; what a deletion does is decided elsewhere.
 */
import type { Queue } from 'bullmq';
import { z } from 'zod';
import { BULK_PRIORITY } from '../../contract/bulk-priority.ts';
import { timeFault } from '../../contract/job-times.ts';
import { MAX_JOB_BYTES, parseJob } from '../../contract/job.ts';
import { type Deletion, type ListOptions, Entry, deletionOf, listDeletions } from './deletion-list.ts';
import { type DeletionAddress, createDeletionNames } from './deletion-names.ts';
import { searchOf } from './foreign-deletions.ts';
import { QUEUE_FUNCTIONS } from '../queue-functions.ts';
import { luaBeside, scriptsOf } from '../scripts.ts';

const readLua = luaBeside(import.meta.url);

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

/** A deletion that is pending, in epoch milliseconds. */
export interface Scheduled {
  /** `exists`: there was one already, and it is due when it was; `moved`: there was one, and it is due now when it was asked to. */
  is: 'scheduled' | 'exists' | 'moved';
  jobId: string;
  dueAt: number;
  requestedAt: number;
}

/**
 * What a cancellation came to. `cancelled`: no DELETE is sent. `too-late`: it is being carried out, or has failed after it
 * was sent. `done`: it was carried out. `none`: there is none.
 */
export type Cancellation = 'cancelled' | 'too-late' | 'done' | 'none';

/** `cancelled-before`: an earlier call has cancelled it, and nothing is pending since. */
export type Withdrawal = Cancellation | 'cancelled-before';

interface PutOptions {
  requestedAt?: number;
  trace?: string | undefined;
  isBulk?: boolean;
}

export interface Deletions {
  /**
   * Has the user deleted at a time, in epoch milliseconds; at once where that is over. Where a deletion of the user is
   * pending the answer is that one, asked for anew: a create in between no longer undoes it.
   * @param options `reschedules`: the one that is pending is moved to this time; `too-late` where it is being carried out.
   * `requestedAt`: when it counts as asked for, in epoch milliseconds; default now. `trace`: what a job that is due at once bears of
   * its trace; one that is deferred would cost twice as much with it. `isBulk`: one of many, which is carried out after what others
   * ask for.
   * @throws RangeError for a time that the queue cannot count to or that is in seconds, TypeError for a request that is no job.
   */
  schedule(
    request: DeletionRequest,
    dueAt: number,
    options?: { reschedules?: boolean } & PutOptions,
  ): Promise<Scheduled | 'too-late'>;
  /** Moves the deletion that is pending, and makes none. */
  reschedule(user: DeletionOf, dueAt: number): Promise<Scheduled | Exclude<Cancellation, 'cancelled'>>;
  /**
   * Cancels what is pending for the user, by the ids that the request named.
   * @param options `searches`: where nothing is found by its id, jobs that other BullMQ clients have added are searched,
   * which reads the id of every job that waits: a few seconds for a million. Default true. `always`: also where one was
   * found; what is not found then is superseded when it is due, for two years from now.
   */
  cancel(user: DeletionOf, options?: { searches?: boolean | 'always' }): Promise<Withdrawal>;
  /** What is pending, the next due first, some at a time; whatever is added and removed meanwhile, none is told twice. */
  list(options?: ListOptions): AsyncIterable<Deletion>;
  /** The one that is pending under the id that the request named; those that others have added are only in the list. */
  find(user: DeletionOf): Promise<Deletion | undefined>;
}

/** Beyond it the queue's order loses precision: it keeps times as milliseconds times 4096, in 53 bits. In epoch milliseconds. */
export const LAST_DUE_MS = 2 ** 41 - 1;

/** Why a deletion cannot be due then; undefined where it can. One that is over is due at once, but not one in seconds. */
export function dueFaultOf(dueAt: number): string | undefined {
  if (!(dueAt <= LAST_DUE_MS))
    return `a deletion can be due until ${new Date(LAST_DUE_MS).toISOString()}, not later`;
  const fault = timeFault(dueAt, LAST_DUE_MS);
  return fault && `the time at which the deletion is due ${fault}`;
}

/** What is known of how a user's last deletion stood, in seconds: longer than a deletion is usually deferred. */
export const KEEP_NAME_S = 40 * 24 * 3600;

/** That a user's deletions are cancelled is known for longer than any other client is likely to have deferred one, in seconds. */
const KEEP_CANCELLED_S = 2 * 365 * 24 * 3600;

/** The deletions in a queue of jobs. For producers, too: it needs nothing but the queue's Redis. */
export function createDeletions({ jobs, prefix }: { jobs: Queue; prefix: string }): Deletions {
  const script = scriptsOf(jobs, {
    schedule: [
      QUEUE_FUNCTIONS.addDelayedJob,
      QUEUE_FUNCTIONS.changeDelay,
      QUEUE_FUNCTIONS.promote,
      readLua('deletion'),
      readLua('schedule'),
    ].join('\n'),
    cancel: [QUEUE_FUNCTIONS.promote, readLua('deletion'), readLua('cancel')].join('\n'),
    'find-deletions': [
      readLua('deletion'),
      readLua('../read-json'),
      readLua('deletion-entry'),
      readLua('find-deletions'),
    ].join('\n'),
  });
  const names = createDeletionNames({ prefix, jobs });
  const search = searchOf(jobs);
  const base = jobs.toKey('');

  async function put(
    request: DeletionRequest,
    dueAt: number,
    mode: 'add' | 'add-or-move' | 'move',
    { requestedAt = Date.now(), trace, isBulk = false }: PutOptions = {},
  ) {
    const fault = dueFaultOf(dueAt);
    if (fault !== undefined) throw new RangeError(fault);
    const { address, data } = read(request);
    const reply = await names.call(address, ({ saltKey, salt, keys, hashes }) =>
      script('schedule')(
        [saltKey, ...keys],
        [
          salt,
          base,
          ...hashes.slice(0, 1),
          data,
          requestedAt,
          Math.max(0, Math.ceil(dueAt)),
          mode,
          KEEP_NAME_S,
          // As BullMQ writes `telemetry.metadata` down.
          trace === undefined || trace === '' ? '{}' : JSON.stringify({ tm: trace }),
          isBulk ? BULK_PRIORITY : 0,
          ...hashes.slice(1),
        ],
      ),
    );
    const answer = Put.parse(reply);
    if (typeof answer === 'string') return answer;
    const [is, jobId, due, requested] = answer;
    return { is, jobId, dueAt: due, requestedAt: requested };
  }

  const withdraw = async (address: DeletionAddress, jobIds: string[]): Promise<Withdrawal> =>
    Cancelled.parse(
      await names.call(address, ({ saltKey, salt, keys, hashes }) =>
        script('cancel')(
          [saltKey, ...keys],
          [salt, base, KEEP_CANCELLED_S, hashes.length, ...hashes, ...jobIds],
        ),
      ),
    );

  return {
    async schedule(request, dueAt, { reschedules = false, ...options } = {}) {
      const scheduled = await put(request, dueAt, reschedules ? 'add-or-move' : 'add', options);
      if (scheduled === 'none' || scheduled === 'done') throw new Error('nothing was scheduled');
      return scheduled;
    },
    reschedule: (user, dueAt) => put(user, dueAt, 'move'),
    async cancel(user, { searches = true } = {}) {
      const { address } = read(user);
      const answer = await withdraw(address, []);
      if (searches === false || answer === 'too-late') return answer;
      if (answer === 'cancelled' && searches !== 'always') return answer;
      // Asked again also where none was found: it may have been sent meanwhile.
      const found = await withdraw(address, await search(address));
      // What the first step cancelled is this call's work, whatever the second one finds of it.
      return answer === 'cancelled' && found !== 'too-late' ? answer : found;
    },
    list: (options) => listDeletions(jobs, options),
    async find(user) {
      const reply = await names.call(read(user).address, ({ saltKey, salt, keys, hashes }) =>
        script('find-deletions')(
          [saltKey, jobs.toKey('delayed'), ...keys],
          [salt, base, MAX_JOB_BYTES, ...hashes],
        ),
      );
      const [entry] = z.array(Entry).parse(reply);
      return entry === undefined ? undefined : deletionOf(entry);
    },
  };
}

const Put = z.union([
  z.enum(['none', 'too-late', 'done']),
  z.tuple([
    z.enum(['scheduled', 'exists', 'moved']),
    z.string(),
    z.coerce.number<string>(),
    z.coerce.number<string>(),
  ]),
]);
const Cancelled = z.enum(['cancelled', 'cancelled-before', 'too-late', 'done', 'none']);

/** What is not said costs nothing: there may be a million of them. */
function read({ instance, ...request }: DeletionRequest): { address: DeletionAddress; data: string } {
  const named = instance === undefined || instance === 'default' ? {} : { instance };
  const parsed = parseJob('delete-user', { ...request, ...named });
  if (!parsed.ok) throw new TypeError(`no deletion: ${parsed.invalid.message}`);
  const { clientId, userId, instance: known } = parsed.job.data;
  return { address: { clientId, userId, instance: known }, data: JSON.stringify({ ...request, ...named }) };
}
