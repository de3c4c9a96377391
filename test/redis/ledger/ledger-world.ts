/**
 * A ledger on a real Redis, with a queue whose jobs the test takes by hand.
 */
import { randomUUID } from 'node:crypto';
import { type Job, type JobsOptions, Queue, type Telemetry, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { inject, onTestFinished } from 'vitest';
import { z } from 'zod';
import { eventOf } from '../../../src/contract/event.ts';
import type { JobName } from '../../../src/contract/job.ts';
import type { Settled } from '../../../src/contract/outcome.ts';
import { versionOf } from '../../../src/contract/version.ts';
import { createPublisher } from '../../../src/events/publisher.ts';
import { createCompletingBackend } from '../../../src/redis/completing-backend.ts';
import { type GateChange, createGates } from '../../../src/redis/gates/gates.ts';
import { readOutcomes } from '../../../src/redis/ledger/outcome-counts.ts';
import { createUserLedger } from '../../../src/redis/ledger/user-ledger.ts';
import type { GateName } from '../../../src/worker/gates.ts';
import type { Address, HeldUser, Run, Settlement } from '../../../src/worker/user-ledger.ts';

export const instance = {
  id: '11111111-1111-4111-8111-111111111111',
  key: 'key',
  secret: 'a secret of tests',
};
export const userId = '9b1c2f5e-0d6a-4c39-8f0e-6f3a1b2c3d4e';

export const GATES: { must: GateName[]; may: GateName[] } = { must: ['damoov', 'admin'], may: [] };
/** Between probes. */
export const PROBES = { firstMs: 5000, lastMs: 40_000 };

export interface LedgerWorldOptions {
  lockMs?: number;
  /** Where the ledger reaches Redis; the test's own connections never go through here. */
  redisUrl?: string;
  eventsQueues?: string[];
  /** What the events' publisher tells of its adds. Default: nothing. */
  telemetry?: Telemetry;
  /** Of the Redis of the run. Default: the one that all tests share. */
  database?: number;
}

export type LedgerWorld = Awaited<ReturnType<typeof createLedgerWorld>>;

export async function createLedgerWorld(options: LedgerWorldOptions = {}) {
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
  const worker = new Worker(
    'user-jobs',
    undefined,
    { connection: redis, prefix, lockDuration: lockMs, autorun: false },
    createCompletingBackend,
  );
  const publisher = createPublisher(connection, prefix, eventsQueues, options.telemetry);
  const queue = new Queue('user-jobs', { connection, prefix });
  const changes: GateChange[] = [];
  let nowMs = 0;
  const gatesWith = (fingerprint: string) =>
    createGates({
      prefix,
      jobs: queue,
      lockMs,
      fingerprints: new Map(GATES.must.map((gate) => [gate, fingerprint])),
      probes: { credential: PROBES, outage: PROBES },
      now: () => nowMs,
      onChange: (change) => changes.push(change),
    });
  const gates = gatesWith('a');
  const ledger = createUserLedger({
    prefix,
    jobs: queue,
    gates,
    lockMs,
    prepareEvent: (event) => publisher.prepare(event),
  });

  /** The next job of the queue, locked for the test. */
  const fetch = async (): Promise<Job> => {
    const job = await worker.getNextJob(`token-${randomUUID()}`, { block: false });
    if (job === undefined) throw new Error('no job waits');
    return job;
  };
  const runOf = (job: Job): Run => ({
    jobId: job.id ?? '',
    token: job.token ?? '',
    nonce: `${job.token} ${job.attemptsStarted}`,
    timestamp: job.timestamp,
    stalls: job.stalledCounter,
  });
  const begin = (job: Job, address: Address = { clientId: 'c-1' }) => {
    const { name, timestamp } = job;
    const version = versionOf({ name: job.name, id: job.id ?? '', timestamp });
    return ledger.begin(runOf(job), { name: name as JobName, version, timestamp }, instance, address, GATES);
  };
  return {
    prefix,
    redis,
    jobs,
    events,
    ledger,
    gates,
    gatesWith,
    changes,
    /** The clock of the gates. */
    pass: (ms: number) => void (nowMs += ms),
    fetch,
    runOf,
    begin,
    add: (name: JobName = 'update-user', more: JobsOptions = {}) => jobs.add(name, {}, more),
    /** A job that was added and fetched. */
    async start(name: JobName = 'update-user', more: JobsOptions = {}): Promise<Job> {
      await jobs.add(name, {}, more);
      return fetch();
    },
    /** A user that this job holds. */
    async take(job: Job, address?: Address): Promise<HeldUser> {
      const begun = await begin(job, address);
      if (begun.is !== 'taken') throw new Error(`the user was not taken: ${begun.is}`);
      return begun.user;
    },
    settlementOf(job: Job, outcome: Settled = UPDATED): Settlement {
      const context = {
        source: '/damoov-users/damoov/user-jobs',
        timestamp: job.timestamp,
        jobId: job.id ?? '',
        operation: job.name,
        instance: 'default',
      };
      const attempts = 1;
      return {
        outcome,
        attempts,
        remains: { name: job.name, data: '{"clientId":"c-1"}' },
        event: eventOf(outcome, { ...context, clientId: 'c-1', attempts, now: Date.now() }),
      };
    },
    /** Has a job complete with its settlement, and the next one be fetched. */
    completionOf: (job: Job) => worker.backend.completionOf(job, job.token ?? '', () => true),
    /** What BullMQ is told that then completes the job: the next one. */
    async nextAfter(job: Job): Promise<string | undefined> {
      const { result } = await worker.backend.moveToCompleted(job, {}, true, job.token ?? '', true);
      return z.tuple([z.unknown(), z.string()]).rest(z.unknown()).safeParse(result).data?.[1];
    },
    outcomes: (minutes?: number) => readOutcomes(redis, prefix, minutes),
    /** The lock is gone, as if the worker had died. */
    loseLock: (job: Job) => redis.del(`${prefix}:user-jobs:${job.id}:lock`),
    /** Its next run has come. */
    lockAgain: (job: Job) => redis.set(`${prefix}:user-jobs:${job.id}:lock`, job.token ?? ''),
    eventIds: async () => {
      const all = await Promise.all(events.map((queue) => queue.getJobs(['wait'], 0, -1, true)));
      return all.map((queue) => queue.map(({ data }) => (data as { id: string }).id));
    },
  };
}

export const UPDATED: Settled = { status: 'done', type: 'user.updated', userId, changed: ['phone'] };

/** A record of which nothing is known. */
export const EMPTY = { generation: 0, state: 'unknown' as const, isInDoubt: false, fields: {} };

/** What a run learnt that knows the user to be there. */
export const live = (user: { record: object }) => ({
  record: { ...(user.record as typeof EMPTY), userId, state: 'live' as const, isInDoubt: false },
});
