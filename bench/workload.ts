/**
 * Queues in one Redis with a worker at them: carries jobs out to the last, and weighs what they leave there. Knows nothing of CPU
 * time.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Queue } from 'bullmq';
import { signUpFor } from './damoov.ts';
import type { Figure } from './figures.ts';
import { type Environment, PREFIX } from './environment.ts';
import type { PartOptions } from './part.ts';
import { clientIdOf, openStore, type Store } from './pending.ts';
import { settledMemory } from './weight.ts';

const POLL_MS = 50;

export const OPERATIONS = ['create-user', 'update-user', 'delete-user'] as const;
export type Operation = (typeof OPERATIONS)[number];

/** What the three operations are given, of one size each. */
const DATA: Record<Operation, (clientId: string) => object> = {
  'create-user': signUpFor,
  'update-user': (clientId) => ({ clientId, changes: { phone: '+442079460001' } }),
  'delete-user': (clientId) => ({ clientId }),
};

/** The queues in one Redis, and the process that works on them. */
export interface Workload extends Omit<Store, 'close'> {
  readonly events: Queue;
  readonly workerPid: number;
  close(): Promise<void>;
}

/** Until the worker's code is compiled. */
const WARM_UP = 1000;

/** Starts a worker that has done some jobs, of which nothing is left. */
export async function openWorkload(
  environment: Environment,
  name: string,
  { onProgress, signal }: Pick<PartOptions, 'onProgress' | 'signal'>,
): Promise<Workload> {
  const redisUrl = await environment.startRedis(name);
  const sandbox = await environment.startSandbox();
  const store = openStore(redisUrl);
  const events = new Queue('user-events', { connection: store.redis, prefix: PREFIX });
  const workload = {
    ...store,
    events,
    workerPid: await environment.startWorker(redisUrl, sandbox, { DELETIONS_PER_HOUR: '1000000' }),
    async close() {
      await events.close();
      store.close();
    },
  };
  onProgress('warming up');
  await carryOut(workload, 'create-user', WARM_UP, { kind: 'warm', signal });
  return workload;
}

/** Adds jobs, one a user, and waits until each has its event. */
export async function carryOut(
  workload: Omit<Workload, 'close'>,
  operation: Operation,
  count: number,
  { kind, signal }: { kind: string; signal?: AbortSignal | undefined },
): Promise<void> {
  const { jobs, events } = workload;
  const waitingBefore = await events.getWaitingCount();
  for (let from = 0; from < count; from += 1000) {
    const size = Math.min(1000, count - from);
    const rows = Array.from({ length: size }, (_, n) => DATA[operation](kind + clientIdOf(from + n)));
    await jobs.addBulk(rows.map((data) => ({ name: operation, data })));
  }
  while ((await events.getWaitingCount()) < waitingBefore + count || (await jobs.getActiveCount()) > 0) {
    signal?.throwIfAborted();
    await sleep(POLL_MS);
  }
}

/** What each kind of thing weighs, by taking it away. @param jobsEach how many jobs each of the users has had. */
export async function weighed(
  workload: Workload,
  { count, jobsEach, idleMemory }: { count: number; jobsEach: 1 | 2; idleMemory: number },
): Promise<Figure[]> {
  const { jobs, events } = workload;
  const bytes = (name: string, what: string, value: number): Figure => ({ name, what, value, unit: 'B' });
  const eventCount = await events.getWaitingCount();
  const withEvents = await memoryOf(workload);
  await events.obliterate({ force: true });
  const withoutEvents = await memoryOf(workload);
  const completedCount = await jobs.getCompletedCount();
  await jobs.clean(0, 0, 'completed');
  const recordsOnly = await memoryOf(workload);
  await jobs.pause();
  const beforeWaiting = await memoryOf(workload);
  const rows = Array.from({ length: count }, (_, n) => DATA['create-user'](`w${clientIdOf(n)}`));
  await jobs.addBulk(rows.map((data) => ({ name: 'create-user', data })));
  const withWaiting = await memoryOf(workload);
  return [
    bytes(
      'jobBytes',
      'a sign-up that waits, with a name, email and phone',
      (withWaiting - beforeWaiting) / count,
    ),
    bytes('eventBytes', 'an event that waits for its subscriber', (withEvents - withoutEvents) / eventCount),
    bytes(
      'completedBytes',
      'a job that is done, for an hour',
      (withoutEvents - recordsOnly) / completedCount,
    ),
    bytes(
      'userBytes',
      `what is remembered of a user, after ${JOBS_EACH[jobsEach]}`,
      (recordsOnly - idleMemory) / count,
    ),
  ];
}

const JOBS_EACH = { 1: 'a job', 2: 'two jobs' };

/** Takes away what warming up has left, but for what is loaded once; answers the memory of Redis then. */
export async function empty(workload: Workload): Promise<number> {
  await workload.events.obliterate({ force: true });
  await workload.jobs.clean(0, 0, 'completed');
  return memoryOf(workload);
}

async function memoryOf(workload: Workload): Promise<number> {
  // As for jobs, there are at most 10,000 notes for any number of events.
  await workload.events.trimEvents(0);
  return settledMemory(workload);
}
