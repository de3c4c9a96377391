/**
 * Deletions on a real Redis, with a queue whose jobs the test takes by hand and ends as a worker does.
 */
import { randomUUID } from 'node:crypto';
import { type Job, Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { inject, onTestFinished } from 'vitest';
import { changesIn } from '../../../src/redis/change.ts';
import { luaBeside, scriptsOf } from '../../../src/redis/scripts.ts';
import {
  type DeletionAddress,
  DeletionNames,
  decisionKeyOf,
  namesBaseOf,
  pendingKeyOf,
  saltKeyOf,
} from '../../../src/store/deletions/deletion-names.ts';
import type { Deletion, ListOptions } from '../../../src/store/deletions/deletion-list.ts';
import {
  type DeletionRequest,
  type Scheduled,
  createDeletions,
} from '../../../src/store/deletions/deletions.ts';
import { enterDeletion } from '../../../src/store/deletions/schedule-deletion.ts';
import { createDeletionGuard } from '../../../src/store/deletions/guard.ts';

export const DAY_MS = 24 * 3600 * 1000;
export const inDays = (days: number) => Date.now() + days * DAY_MS;
export const userId = '9b1c2f5e-0d6a-4c39-8f0e-6f3a1b2c3d4e';

const WAKE = `
local woken = {}
local function promote(jobId) table.insert(woken, jobId) end`;

/** The scripts of the worker call these functions when they settle a job. */
const SETTLE = `
local asked = cjson.decode(ARGV[1])
if not isOfThisSalt(asked) then return 'stale' end
if asked.at then signUpVoids(asked) elseif asked.ending then deletionEnds(asked) else voidsFollow(asked) end
return #woken == 0 and 'ok' or woken`;

type Ids = { clientId?: string; userId?: string; also?: { clientId?: string; userId?: string } };

export async function createDeletionsWorld({ deletionsPerHour = 100 } = {}) {
  const prefix = `{test-${randomUUID()}}`;
  const redis = new Redis(inject('redisUrl'), { maxRetriesPerRequest: null });
  onTestFinished(async () => {
    const keys = await redis.keys(`${prefix}*`);
    if (keys.length > 0) await redis.unlink(...keys);
    redis.disconnect();
  });
  const jobs = new Queue('user-jobs', { connection: redis, prefix });
  const worker = new Worker('user-jobs', undefined, { connection: redis, prefix, autorun: false });
  const deletions = createDeletions({ jobs, prefix });
  const guard = createDeletionGuard({ jobs, prefix, deletionsPerHour });
  const names = new DeletionNames({ jobs, prefix });
  const change = changesIn(jobs);
  const lua = luaBeside(new URL('../../../src/store/deletions/deletions.ts', import.meta.url).href);
  const script = scriptsOf(jobs, {
    settle: [lua('../clock'), WAKE, lua('settled'), SETTLE].join('\n'),
  });

  const settle = (address: DeletionAddress, more: object) =>
    names.call<unknown>(address, (known) => {
      const asked = {
        saltKey: saltKeyOf(prefix),
        base: namesBaseOf(prefix),
        ...known,
        index: pendingKeyOf(prefix),
        keepS: 3600,
        ...more,
      };
      return script('settle')([], [JSON.stringify(asked)]);
    });
  const end = (job: Job, ending: 'done' | 'failed' | 'other', ids = job.data as Ids) =>
    settle(
      { ...ids, instance: 'default' },
      { jobId: job.id, decision: decisionKeyOf(prefix, job.id ?? ''), ending },
    );
  const runOf = ({ id = '', timestamp, repeatJobKey: scheduler }: Job) => ({
    jobId: id,
    timestamp,
    scheduler,
  });
  const lockOf = ({ id = '' }: Job) => ({ key: `${prefix}:lock:${id}`, field: 'lockedBy', value: id });
  return {
    prefix,
    redis,
    jobs,
    deletions,
    /** Who has signed up so many days from now (or before). */
    returned: (clientId: string, days: number) =>
      settle({ clientId, instance: 'default' }, { at: inDays(days) }),
    returnedAt: (clientId: string | undefined, at: number) =>
      settle({ clientId, instance: 'default' }, { at }),
    /** The user has these names from now on. */
    renamed: (names: Ids) => settle({ ...names, instance: 'default' }, {}),
    async schedule(request: DeletionRequest, dueAt = inDays(30)): Promise<Scheduled> {
      const scheduled = await deletions.schedule(request, dueAt);
      if (scheduled === 'too-late') throw new Error('too late');
      return scheduled;
    },
    /** The next job of the queue, locked for the test. */
    async fetch(): Promise<Job> {
      const job = await worker.getNextJob(`token-${randomUUID()}`, { block: false });
      if (job === undefined) throw new Error('no job waits');
      return job;
    },
    check: (job: Job, ids = job.data as Ids) => guard.check(runOf(job), 'default', ids),
    async authorize(job: Job, ids = job.data as Ids, kind: 'sends' | 'sends nothing' = 'sends') {
      const { key, field, value } = lockOf(job);
      await redis.hset(key, field, value);
      return guard.authorizeDelete(runOf(job), lockOf(job), 'default', ids, kind);
    },
    /** Right before its user is suspended, who was found to have this UserId. */
    async authorizeSuspension(job: Job, userId: string, ids = job.data as Ids) {
      const { key, field, value } = lockOf(job);
      await redis.hset(key, field, value);
      return guard.authorizeSuspension(runOf(job), lockOf(job), 'default', ids, { does: 'suspend', userId });
    },
    /** As a run does that has lost its user to another. */
    async commitLate(job: Job) {
      await redis.hset(lockOf(job).key, 'lockedBy', 'another');
      return guard.authorizeDelete(runOf(job), lockOf(job), 'default', job.data as Ids, 'sends');
    },
    async complete(job: Job, ids?: Ids) {
      await end(job, 'done', ids);
      await job.moveToCompleted({}, job.token ?? '', false);
    },
    /** It was cancelled, or newer knowledge undid it. */
    async supersede(job: Job) {
      await end(job, 'other');
      await job.moveToCompleted({}, job.token ?? '', false);
    },
    async fail(job: Job, ids?: Ids) {
      await end(job, 'failed', ids);
      await job.moveToFailed(new Error('forbidden: no'), job.token ?? '', false);
    },
    /** The queue ends it alone: nothing could be written down. */
    failUnsettled: (job: Job) => job.moveToFailed(new Error('no'), job.token ?? '', false),
    decide: (job: Job, decision: 'release' | 'refuse') =>
      redis.set(decisionKeyOf(prefix, job.id ?? ''), decision, 'EX', 3600),
    keyOf: async (address: Ids) => {
      let key = '';
      await names.call(
        { ...address, instance: 'default' },
        async ({ hashes: [hash] }) => void (key = `${namesBaseOf(prefix)}${hash}`),
      );
      return key;
    },
    /** The entry of a job, which is to take the place of another perhaps, after what others have done meanwhile. */
    enter: (jobId: string, replaces?: string) =>
      change((seen) => {
        const entry = { hash: jobId.slice(4, 20), jobId, replaces, dueAt: inDays(1) };
        return enterDeletion(seen, prefix, entry);
      }),
    namesBase: namesBaseOf(prefix),
    /** Seconds until the key of each name expires. */
    async lifetimes() {
      const keys = await redis.keys(`${namesBaseOf(prefix)}*`);
      return Promise.all(keys.map(async (key) => redis.ttl(key)));
    },
    pending: () => redis.zrange(pendingKeyOf(prefix), 0, '-1'),
    async list(options?: ListOptions): Promise<Deletion[]> {
      const all: Deletion[] = [];
      for await (const deletion of deletions.list(options)) all.push(deletion);
      return all;
    },
  };
}
