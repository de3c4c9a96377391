/**
 * Reads the deletions that are pending, some at a time: those of our index, and among BullMQ's delayed jobs those that other clients
 * have added. Of a job it returns the user and the due time; never the reason or other data.
 */
import type { Job, Queue } from 'bullmq';
import { z } from 'zod';
import { changesIn } from '../../redis/change.ts';
import { pendingKeyOf } from './deletion-names.ts';
import { ownNameOf } from './name-state.ts';

/** A deletion that is pending; times in epoch milliseconds, which may lie beyond the calendar: another client may have set them. */
export interface Deletion {
  jobId: string;
  instance: string;
  clientId?: string;
  userId?: string;
  /** NaN, as below, where the job does not say. */
  dueAt: number;
  requestedAt: number;
  /** Added by another BullMQ client: not counted, and as due as its job says. */
  isByOthers?: true;
  /** A worker has begun it: it is blocked, held or tried again, and `dueAt` only says when the queue looks at it again at the latest. */
  hasBegun?: true;
}

export interface ListOptions {
  /** Due at or after this, in epoch milliseconds. Default: from the first one on. */
  from?: number | undefined;
  /** Due at or before this, in epoch milliseconds. Default: to the last one. */
  until?: number | undefined;
  /** Only behind this entry of an earlier list. */
  after?: Pick<Deletion, 'jobId' | 'dueAt'> | undefined;
  /** Only of this user: who has one of these ids; of any instance where none is named. */
  of?: { clientId?: string | undefined; userId?: string | undefined; instance?: string | undefined };
  /** Called with how many further deletions have data that cannot be read: their users are unknown. */
  onUnreadable?: ((count: number) => void) | undefined;
}

export interface ListSources {
  jobs: Queue;
  prefix: string;
  /** Whether the deletion of another client was cancelled: its job does not show it. */
  isVoid: (deletion: Deletion) => Promise<boolean>;
}

/** So many are read at once. */
const PAGE = 500;

/** Both kinds in the order of their due times. */
export async function* listDeletions(
  { jobs, prefix, isVoid }: ListSources,
  { from = -Infinity, until = Infinity, after, of, onUnreadable }: ListOptions = {},
): AsyncGenerator<Deletion> {
  const isWanted = (one: Deletion) => orderOf(one) <= until && (of === undefined || isOf(one, of));
  const behind = after === undefined ? { dueAt: from, jobId: '' } : after;
  const unreadable = onUnreadable ?? (() => {});
  const scheduled = listScheduled(jobs, prefix, behind, unreadable);
  let next = await scheduled.next();
  for await (const { byOthers, readUntil } of listByOthers(jobs, prefix, unreadable)) {
    for (const one of byOthers.filter((each) => isBehind(each, behind))) {
      for (; next.done !== true && !isBehind(next.value, one); next = await scheduled.next())
        if (isWanted(next.value)) yield next.value;
      if (isWanted(one) && !(await isVoid(one))) yield one;
    }
    if (readUntil > until) break;
    for (; next.done !== true && next.value.dueAt <= readUntil; next = await scheduled.next())
      if (isWanted(next.value)) yield next.value;
  }
  for (; next.done !== true && next.value.dueAt <= until; next = await scheduled.next())
    if (isWanted(next.value)) yield next.value;
}

type Place = Pick<Deletion, 'jobId' | 'dueAt'>;

function isBehind(one: Place, place: Place): boolean {
  const [at, then] = [orderOf(one), orderOf(place)];
  return at === then ? one.jobId > place.jobId : at > then;
}

function orderOf({ dueAt }: Place): number {
  return Number.isNaN(dueAt) ? Infinity : dueAt;
}

/** Those of the index, from behind a place on. */
async function* listScheduled(
  jobs: Queue,
  prefix: string,
  behind: Place,
  onUnreadable: (count: number) => void,
): AsyncGenerator<Deletion> {
  const [client, key] = [await jobs.getBackend().client, pendingKeyOf(prefix)];
  // Nothing is due before that.
  let place = { ...behind, dueAt: Math.max(0, orderOf(behind)) };
  const before = await changesIn(jobs)((seen) => ({
    answer: seen.read('ZCOUNT', key, 0, `(${place.dueAt}`),
  }));
  let start = Math.max(0, Number(before) - 1);
  for (;;) {
    const page = placesIn(await client.zrange(key, start, start + PAGE - 1, { WITHSCORES: true }));
    const next = page.filter((one) => isBehind(one, place));
    if (start > 0 && next.length === page.length) {
      // Earlier entries were removed, so the next ones may now start earlier.
      start = Math.max(0, start - PAGE);
      continue;
    }
    const read = await Promise.all(next.map(({ jobId, dueAt }) => readDeletion(jobs, jobId, dueAt)));
    onUnreadable(read.filter((one) => one === 'unreadable').length);
    for (const one of read) if (typeof one === 'object') yield one;
    if (page.length < PAGE) return;
    place = next.at(-1) ?? place;
    start += PAGE - 1;
  }
}

/**
 * Those of BullMQ's delayed jobs that are not of the index, a page of jobs at a time, and until when all are read. Pages overlap by
 * half: jobs come and go in between.
 */
async function* listByOthers(jobs: Queue, prefix: string, onUnreadable: (count: number) => void) {
  const client = await jobs.getBackend().client;
  let seen = new Set<string>();
  for (let start = 0; ; start += PAGE / 2) {
    const ids = await jobs.getRanges(['delayed'], start, start + PAGE - 1, true);
    const fresh = ids.filter((id) => !seen.has(id));
    const scores = await Promise.all(fresh.map(async (id) => client.zscore(pendingKeyOf(prefix), id)));
    const others = fresh.filter((_, index) => scores[index] === null);
    const read = await Promise.all(others.map(async (id) => readDeletion(jobs, id)));
    onUnreadable(read.filter((one) => one === 'unreadable').length);
    const byOthers = read
      .filter((one) => typeof one === 'object')
      // One of ours that has failed, and was retried, is of the index no more.
      .map((one) => (ownNameOf(one.jobId) === undefined ? { ...one, isByOthers: true as const } : one))
      .sort((a, b) => (isBehind(a, b) ? 1 : -1));
    const isEnd = ids.length < PAGE;
    const times = [...scores.map(Number), ...byOthers.map(({ dueAt }) => dueAt)];
    yield { byOthers, readUntil: isEnd ? Infinity : Math.max(0, ...times.filter(Number.isFinite)) };
    if (isEnd) return;
    seen = new Set(ids);
  }
}

function placesIn(reply: readonly string[]): Place[] {
  return reply.flatMap((jobId, n) => (n % 2 === 0 ? [{ jobId, dueAt: Number(reply[n + 1]) }] : []));
}

/** What a job tells of a deletion; undefined if it is gone or is none, or was cancelled, and `unreadable` if its user is unknown. */
export async function readDeletion(
  jobs: Queue,
  jobId: string,
  dueAt?: number,
): Promise<Deletion | 'unreadable' | undefined> {
  let job: Job | undefined;
  try {
    job = await jobs.getJob(jobId);
  } catch (error) {
    // Data that is no JSON: BullMQ throws if it reads the job.
    if (error instanceof SyntaxError) return 'unreadable';
    throw error;
  }
  // With a negative delay it is not deferred: it only has not been taken yet.
  if (job === undefined || job.name !== 'delete-user' || job.delay < 0) return undefined;
  const data = Data.safeParse(job.data).data;
  if (data === undefined) return 'unreadable';
  const { instance, clientId, userId } = data;
  return {
    jobId,
    instance: instance ?? 'default',
    ...(clientId !== undefined && { clientId }),
    ...(userId !== undefined && { userId: userId.toLowerCase() }),
    dueAt: dueAt ?? job.timestamp + job.delay,
    requestedAt: job.timestamp,
    ...(dueAt === undefined && job.attemptsStarted > 0 && { hasBegun: true }),
  };
}

const text = z.string().min(1).optional().catch(undefined);
const Data = z.object({ instance: text, clientId: text, userId: text });

function isOf(deletion: Deletion, { clientId, userId, instance }: NonNullable<ListOptions['of']>): boolean {
  if (instance !== undefined && deletion.instance !== instance) return false;
  if (clientId !== undefined && deletion.clientId === clientId) return true;
  return userId !== undefined && deletion.userId === userId.toLowerCase();
}
