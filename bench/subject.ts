/**
 * One side of a comparison: a Redis of its own, the jobs in it, and the process that works on them; and how fast it empties its
 * queue. Knows nothing of what the process is.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { type Commands, commandsBetween, commandsOf } from './commands.ts';
import { type SignUp, signUpFor } from './damoov.ts';
import { type Environment, PREFIX } from './environment.ts';
import type { PartOptions } from './part.ts';
import { clientIdOf } from './pending.ts';
import { cpuOf, machineCpu } from './process-usage.ts';
import { cpuSecondsOf } from './weight.ts';

/** Progress is looked at this often, by one small command: what Redis does for it is counted out. */
const LOOK_MS = 5;
/** A worker that has ended must not keep the benchmark waiting for ever. */
const PATIENCE_MS = 120_000;
const CHUNK = 1000;
/** Until connections stand and code is compiled; in each round again, as a rate begins slowly. */
export const WARM_UP = 400;

export interface Subject {
  readonly redisUrl: string;
  readonly redis: Redis;
  readonly jobs: Queue;
  /** The processes that work on the jobs. */
  readonly pids: number[];
  close(): Promise<void>;
}

export async function openSubject(environment: Environment, name: string): Promise<Subject> {
  const redisUrl = await environment.startRedis(name);
  const redis = new Redis(redisUrl, { maxRetriesPerRequest: null });
  const jobs = new Queue('user-jobs', { connection: redis, prefix: PREFIX });
  return {
    redisUrl,
    redis,
    jobs,
    pids: [],
    async close() {
      await jobs.close();
      redis.disconnect();
    },
  };
}

export interface Drain {
  /** How many jobs are carried out. */
  readonly count: number;
  /** So many of them are over before anything is measured. */
  readonly warmUp: number;
  readonly signal?: AbortSignal | undefined;
}

/** What emptying a queue came to. */
export interface Drained {
  readonly perSecond: number;
  /** CPU time of all workers and of Redis, in microseconds a job. */
  readonly workerCpuUs: number;
  readonly redisCpuUs: number;
  /** Number of busy cores of the machine, for any process. */
  readonly busyCores: number;
  /** Calls of Redis' commands, a job. */
  readonly commands: Commands;
}

/** A number of jobs that a part may take; of a small one half is for warming up. */
export function sizeOf(count: number, { jobs, signal }: PartOptions, warmUp = WARM_UP): Drain {
  const least = Math.min(count, jobs);
  return { count: least, warmUp: Math.min(warmUp, Math.floor(least / 2)), signal };
}

/** Adds jobs while the queue is paused, and measures how the workers carry them out. Leaves an empty Redis. */
export async function drain(subject: Subject, size: Drain): Promise<Drained> {
  await subject.jobs.pause();
  await addSignUps(subject, size.count);
  const drained = await carryOut(subject, size);
  await subject.redis.flushall();
  return drained;
}

/** Lets a queue that is paused go on, and measures so many jobs of those in it. */
export async function carryOut(subject: Subject, { count, warmUp, signal }: Drain): Promise<Drained> {
  const { jobs } = subject;
  const from = await jobs.getCompletedCount();
  await jobs.resume();
  const before = await reached(subject, from + warmUp, signal);
  const after = await reached(subject, from + count, signal, before.looks);
  const done = after.completed - before.completed;
  const seconds = (after.at - before.at) / 1000;
  const each = (cpuSeconds: number) => (cpuSeconds * 1e6) / done;
  return {
    perSecond: done / seconds,
    workerCpuUs: each(after.workerCpu - before.workerCpu),
    redisCpuUs: each(after.redisCpu - before.redisCpu),
    busyCores: (after.machineCpu - before.machineCpu) / seconds,
    commands: commandsBetween(before.commands, after.commands, {
      own: new Map([
        ['zcard', after.looks - before.looks],
        ['info', 2],
      ]),
      jobs: done,
    }),
  };
}

/** Sign-ups of one size, one a user. */
export async function addSignUps({ jobs }: Pick<Subject, 'jobs'>, count: number, from = 0): Promise<void> {
  for (let done = 0; done < count; done += CHUNK) {
    const size = Math.min(CHUNK, count - done);
    await jobs.addBulk(
      Array.from({ length: size }, (_, n) => ({ name: 'create-user', data: signUpOf(from + done + n) })),
    );
  }
}

export function signUpOf(index: number): SignUp {
  return signUpFor(clientIdOf(index));
}

interface Moment {
  at: number;
  completed: number;
  workerCpu: number;
  redisCpu: number;
  machineCpu: number;
  commands: Commands;
  looks: number;
}

/** Waits until this many jobs are completed, and returns the state at that time. */
async function reached(
  { redis, jobs, pids }: Subject,
  count: number,
  signal: AbortSignal | undefined,
  looksBefore = 0,
): Promise<Moment> {
  const deadline = performance.now() + PATIENCE_MS;
  for (let looks = looksBefore + 1; ; looks++) {
    signal?.throwIfAborted();
    const completed = await redis.zcard(jobs.toKey('completed'));
    if (completed >= count) {
      const at = performance.now();
      const cpus = await Promise.all(pids.map(cpuOf));
      const [redisCpu, commands] = await Promise.all([cpuSecondsOf(redis), commandsOf(redis)]);
      const workerCpu = cpus.reduce((a, b) => a + b, 0);
      return { at, completed, workerCpu, redisCpu, machineCpu: machineCpu(), commands, looks };
    }
    // Fails where one of them has ended.
    if (looks % 200 === 0) await Promise.all(pids.map(cpuOf));
    if (performance.now() > deadline) throw new Error(`${completed} of ${count} jobs were carried out`);
    await sleep(LOOK_MS);
  }
}
