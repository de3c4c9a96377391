/**
 * A userState on a real Redis, with a queue whose jobs the test takes by hand.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Job, type JobsOptions, Queue, type Telemetry, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { inject, onTestFinished } from 'vitest';
import { createJobQueue } from '../../../src/bullmq/job-queue.ts';
import { eventOf } from '../../../src/contract/event.ts';
import type { JobName } from '../../../src/contract/job.ts';
import type { Settled } from '../../../src/contract/outcome.ts';
import { signReceipt } from '../../../src/contract/receipt.ts';
import { erasedOf } from '../../../src/lifecycle/job-data.ts';
import { jobIdOf, versionOf } from '../../../src/contract/version.ts';
import { createPublisher } from '../../../src/bullmq/publisher.ts';
import { type CircuitChange, RedisCircuits } from '../../../src/store/circuits/circuits.ts';
import { readOutcomes } from '../../../src/store/users/outcome-counts.ts';
import { readUserStory } from '../../../src/store/users/user-story.ts';
import { RedisUserState } from '../../../src/store/users/user-state.ts';
import type { CircuitName } from '../../../src/lifecycle/ports/circuits.ts';
import type { RecordUpdate, UserRecord } from '../../../src/operations/context.ts';
import type {
  Address,
  Begun,
  UserLock,
  Run,
  SettledJob,
  Settlement,
} from '../../../src/lifecycle/ports/user-state.ts';

export const instance = {
  id: '11111111-1111-4111-8111-111111111111',
  key: 'key',
  secret: 'a secret of tests',
};
export const userId = '9b1c2f5e-0d6a-4c39-8f0e-6f3a1b2c3d4e';

export const CIRCUITS: { must: CircuitName[]; may: CircuitName[] } = { must: ['damoov', 'admin'], may: [] };
/** Between probes. */
export const PROBES = { firstMs: 5000, lastMs: 40_000 };

export interface UserStateWorldOptions {
  lockMs?: number;
  /** Where the user state reaches Redis; the test's own connections never go through here. */
  redisUrl?: string;
  eventsQueues?: string[];
  /** Notified of each published event. Default: none. */
  telemetry?: Telemetry;
  /** Of the Redis of the run. Default: the one that all tests share. */
  database?: number;
}

type KnownUpdate = Omit<RecordUpdate, 'record'> & { record?: Partial<UserRecord> };

export type UserStateWorld = Awaited<ReturnType<typeof createUserStateWorld>>;

export async function createUserStateWorld(options: UserStateWorldOptions = {}) {
  const { lockMs = 30_000, redisUrl = inject('redisUrl'), eventsQueues = ['user-events'] } = options;
  const { database: db = 0 } = options;
  const prefix = `{test-${randomUUID()}}`;
  const redis = new Redis(inject('redisUrl'), { maxRetriesPerRequest: null, db });
  const connection = new Redis(redisUrl, { maxRetriesPerRequest: null, retryStrategy: () => 10, db });
  connection.on('error', () => {});
  onTestFinished(() => {
    redis.disconnect();
    connection.disconnect();
  });
  onTestFinished(async () => {
    const keys = await redis.keys(`${prefix}*`);
    if (keys.length > 0) await redis.unlink(...keys);
  });
  const jobs = new Queue('user-jobs', { connection: redis, prefix });
  const events = eventsQueues.map((name) => new Queue(name, { connection: redis, prefix }));
  const worker = new Worker('user-jobs', undefined, {
    connection: redis,
    prefix,
    lockDuration: lockMs,
    autorun: false,
  });
  const publisher = createPublisher(connection, prefix, eventsQueues, options.telemetry);
  const queue = new Queue('user-jobs', { connection, prefix });
  const changes: CircuitChange[] = [];
  let nowMs = 0;
  const jobQueue = createJobQueue(queue);
  const circuitsWith = (fingerprint: string) =>
    new RedisCircuits({
      prefix,
      jobs: queue,
      jobQueue,
      lockMs,
      fingerprints: new Map(CIRCUITS.must.map((circuit) => [circuit, fingerprint])),
      probes: { credential: PROBES, outage: PROBES },
      now: () => nowMs,
      onChange: (change) => changes.push(change),
    });
  const circuits = circuitsWith('a');
  const createUserState = () =>
    new RedisUserState({
      prefix,
      jobs: queue,
      jobQueue,
      circuits,
      leaseMs: lockMs,
      timeoutMs: 1000,
      publish: (event) => publisher.publish(event),
      sign: ({ keyId, ...statement }) => signReceipt(statement, keyId === undefined ? undefined : { keyId }),
    });
  const userState = createUserState();

  /** The next job of the queue, locked for the test. */
  const fetch = async (): Promise<Job> => {
    // A promoted job may be on its way.
    for (let times = 0; times < 100; times += 1) {
      const job = await worker.getNextJob(`token-${randomUUID()}`, { block: false });
      if (job !== undefined) return job;
      await sleep(10);
    }
    throw new Error('no job waits');
  };
  const runOf = (job: Job): Run => ({
    jobId: job.id ?? '',
    nonce: `${job.token}-${job.attemptsStarted}`,
    timestamp: job.timestamp,
    hasRunBefore: job.attemptsStarted > 1,
    stalls: job.stalledCounter,
  });
  /** What a job asks when it begins, and no more. */
  const ask = (
    job: Job,
    address: Address = { clientId: 'c-1' },
    { of = userState, ...more }: { of?: RedisUserState; asksFor?: string } = {},
  ) => {
    const { name, timestamp } = job;
    const version = versionOf({ name, id: job.id ?? '', timestamp });
    const asked = { name: name as JobName, version, timestamp, ...more };
    return of.begin(runOf(job), asked, instance, address, CIRCUITS);
  };
  const begin = async (...asked: Parameters<typeof ask>) => delayed(asked[0], await ask(...asked));
  /** As the worker delays a job that is held. */
  const hold = (job: Job) => job.moveToDelayed(Date.now() + 3_600_000, job.token);
  /** As the worker delays a job that is blocked. */
  const delayed = async (job: Job, begun: Begun) => {
    if (begun.is === 'held') await hold(job);
    if (begun.is !== 'blocked') return begun;
    await job.moveToDelayed(Date.now() + begun.patienceMs, job.token);
    if (await userState.isFree(runOf(job), begun)) await job.promote();
    return { is: 'blocked' as const };
  };
  /** What the pipeline does for a job that is settled. */
  const finish = async (job: Job, settled: SettledJob, retainedData?: string) => {
    if (settled.event !== undefined) await publisher.publish(settled.event);
    const isErased = settled.olderFailed.some((version) => jobIdOf(version) === job.id);
    if (retainedData !== undefined)
      await job.updateData(isErased ? erasedOf(JSON.parse(retainedData)) : JSON.parse(retainedData));
    await jobQueue.erase(settled.olderFailed);
    userState.release(job.id ?? '', settled);
    await userState.close();
  };
  const asTested = (job: Job, user: UserLock) => ({
    ...user,
    lockAlso: async (id: string) => {
      const locked = await delayed(job, await user.lockAlso(id));
      return locked.is === 'locked' ? { ...locked, user: asTested(job, locked.user) } : locked;
    },
    /** To its end. */
    settle: async (settlement: Settlement & { retainedData?: string }, recordUpdate: RecordUpdate) => {
      const settled = await user.settle(settlement, recordUpdate);
      if (settled === 'lost') return 'lost';
      await finish(job, settled, settlement.retainedData);
      return 'ok';
    },
    /** And no further, as if the run had been cut off. */
    onlySettle: (settlement: Settlement, recordUpdate: RecordUpdate) => user.settle(settlement, recordUpdate),
  });

  const start = async (name: JobName = 'update-user', more: JobsOptions = {}): Promise<Job> => {
    await jobs.add(name, {}, more);
    return fetch();
  };
  const take = async (...[job, ...more]: Parameters<typeof ask>) => {
    const begun = await begin(job, ...more);
    if (begun.is !== 'locked') throw new Error(`the user was not taken: ${begun.is}`);
    return asTested(job, begun.user);
  };
  const settlementOf = (job: Job, outcome: Settled = UPDATED): Settlement => {
    const context = {
      source: '/damoov-users/damoov/user-jobs',
      timestamp: job.timestamp,
      jobId: job.id ?? '',
      operation: job.name,
      instance: 'default',
    };
    const attempts = 1;
    const event = eventOf(outcome, { ...context, clientId: 'c-1', attempts, now: Date.now() });
    return { outcome, attempts, event };
  };

  return {
    prefix,
    redis,
    jobs,
    events,
    userState,
    /** As another process has one. */
    createUserState,
    circuits,
    circuitsWith,
    changes,
    /** The clock of the circuits. */
    pass: (ms: number) => void (nowMs += ms),
    fetch,
    runOf,
    ask,
    begin,
    add: (name: JobName = 'update-user', more: JobsOptions = {}) => jobs.add(name, {}, more),
    /** A job that was added and fetched. */
    start,
    /** A user that this job holds. */
    take,
    finish,
    hold,
    settlementOf,
    /** A job that ends with a user who is there, and with this on its record. */
    async settle(address: Address, { record, ...update }: KnownUpdate = {}, name?: JobName) {
      const job = await start(name);
      const user = await take(job, address);
      const known = { ...live(user).record, ...record };
      if ((await user.settle(settlementOf(job), { ...update, record: known })) === 'lost')
        throw new Error('lost');
    },
    /** What the next job finds; one with a time of its own may be older than what is known. */
    async recordOf(address: Address, more?: JobsOptions) {
      const user = await take(await start('update-user', more), address);
      await user.unlock({ record: user.record });
      return user.record;
    },
    outcomes: (minutes?: number) => readOutcomes(redis, prefix, minutes),
    /** The user's lease has run out, as if the worker had died. */
    async loseLock(job: Job) {
      for (const key of await redis.keys(`${prefix}:user:*`)) {
        if ((await redis.type(key)) !== 'hash' || (await redis.hget(key, 'lockJob')) !== job.id) continue;
        await redis.hset(key, 'lockUntil', 1);
      }
    },
    /** What is known of a user by one of its ids. */
    story: (ids: { clientId?: string; userId?: string } = { clientId: 'c-1' }) =>
      readUserStory({ jobs, prefix, instance }, ids),
    /** The shortest lifetime of the keys that match, in seconds. */
    shortestTtl: async (pattern: string) => {
      const ttls = await Promise.all((await redis.keys(`${prefix}:${pattern}`)).map((key) => redis.ttl(key)));
      return Math.min(...ttls);
    },
    eventIds: async () => {
      const all = await Promise.all(events.map((queue) => queue.getJobs(['wait'], 0, -1, true)));
      return all.map((queue) => queue.map(({ data }) => (data as { id: string }).id));
    },
  };
}

export const UPDATED: Settled = { status: 'done', type: 'user.updated', userId, changed: ['phone'] };

/** A record of which nothing is known. */
export const EMPTY = { generation: 0, state: 'unknown' as const, isInDoubt: false, fields: {} };

/** What a run recordUpdate that knows the user to be there. */
export const live = (user: { record: object }) => ({
  record: { ...(user.record as typeof EMPTY), userId, state: 'live' as const, isInDoubt: false },
});
