/**
 * The benchmark of capacity: what a job costs a worker and Redis in CPU time, and what it leaves in Redis. CPU time, since the
 * seconds of a machine that does other things too tell nothing of another one. Reads /proc: Linux only.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Queue } from 'bullmq';
import type { Figure, Section } from './figures.ts';
import { PREFIX, prepareGround } from './ground.ts';
import type { PartOptions } from './part.ts';
import { clientIdOf, openStore, type Store } from './pending.ts';
import { cpuOf, residentOf } from './process-usage.ts';
import { cpuSecondsOf, settledMemory } from './weight.ts';

/** More of them tell nothing more, and completed jobs are kept up to this number. */
const MOST_JOBS = 10_000;
/** A deletion takes far more: several requests, and a place in the one chain of receipts. */
const MOST_DELETIONS = 1000;
/** Until the worker's code is compiled. */
const WARM_UP = 1000;
const POLL_MS = 50;

const OPERATIONS = ['create-user', 'update-user', 'delete-user'] as const;
type Operation = (typeof OPERATIONS)[number];

/** What the three operations are given, of one size each. */
const DATA: Record<Operation, (clientId: string) => object> = {
  'create-user': (clientId) => ({
    clientId,
    profile: { firstName: 'Ada', lastName: 'Lovelace', email: 'ada@example.test', phone: '+442079460000' },
  }),
  'update-user': (clientId) => ({ clientId, changes: { phone: '+442079460001' } }),
  'delete-user': (clientId) => ({ clientId }),
};

/** The queues in one Redis, and the process that works on them. */
interface Site extends Store {
  readonly events: Queue;
  readonly workerPid: number;
}

export async function capacity({ jobs, onProgress, signal }: PartOptions): Promise<Section[]> {
  const count = Math.min(jobs, MOST_JOBS);
  const ground = await prepareGround();
  try {
    const redisUrl = await ground.startRedis('capacity');
    const sandbox = await ground.startSandbox();
    const store = openStore(redisUrl);
    const events = new Queue('user-events', { connection: store.redis, prefix: PREFIX });
    try {
      const workerPid = await ground.startWorker(redisUrl, sandbox, { DELETIONS_PER_HOUR: '1000000' });
      const site = { ...store, events, workerPid };
      onProgress('warming up');
      await carryOut(site, 'create-user', WARM_UP, { kind: 'warm', signal });
      const idleMemory = await empty(site);
      const work: Figure[] = [];
      for (const operation of OPERATIONS) {
        const share = operation === 'delete-user' ? Math.min(count, MOST_DELETIONS) : count;
        onProgress(`${share.toLocaleString('en')} jobs ${operation}`);
        work.push(...(await measured(site, operation, share, signal)));
      }
      const peakBytes = await residentOf(workerPid, 'peak');
      onProgress('weighing what is left in Redis');
      return [
        { title: 'A job with a Damoov that answers at once', figures: work },
        { title: 'Redis, all keys included', figures: await weighed(site, count, idleMemory) },
        {
          title: 'A worker',
          figures: [
            { name: 'workerPeak', what: 'resident memory, peak', value: peakBytes / 1e6, unit: 'MB' },
          ],
        },
      ];
    } finally {
      await events.close();
      store.close();
    }
  } finally {
    await ground.close();
  }
}

/** What so many jobs of an operation cost, and no event of them is left. */
async function measured(
  site: Site,
  operation: Operation,
  count: number,
  signal?: AbortSignal,
): Promise<Figure[]> {
  const before = { worker: await cpuOf(site.workerPid), redis: await cpuSecondsOf(site.redis) };
  await carryOut(site, operation, count, { kind: 'c', signal });
  const worker = (await cpuOf(site.workerPid)) - before.worker;
  const redis = (await cpuSecondsOf(site.redis)) - before.redis;
  const each = (seconds: number) => (seconds * 1e6) / count;
  const camel = operation.replace('-user', '');
  return [
    { name: `${camel}Cpu`, what: `${operation}: CPU of the worker`, value: each(worker), unit: 'us' },
    {
      name: `${camel}PerCore`,
      what: `${operation}: a core's worth a second`,
      value: count / worker,
      unit: '/s',
    },
    { name: `${camel}RedisCpu`, what: `${operation}: CPU of Redis`, value: each(redis), unit: 'us' },
  ];
}

/** Adds jobs, one a user, and waits until each has its event. */
async function carryOut(
  site: Site,
  operation: Operation,
  count: number,
  { kind, signal }: { kind: string; signal?: AbortSignal | undefined },
): Promise<void> {
  const { jobs, events } = site;
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

/** What each kind of thing weighs, by taking it away. */
async function weighed(site: Site, count: number, idleMemory: number): Promise<Figure[]> {
  const { jobs, events } = site;
  const bytes = (name: string, what: string, value: number): Figure => ({ name, what, value, unit: 'B' });
  const eventCount = await events.getWaitingCount();
  const withEvents = await memoryOf(site);
  await events.obliterate({ force: true });
  const withoutEvents = await memoryOf(site);
  const completedCount = await jobs.getCompletedCount();
  await jobs.clean(0, 0, 'completed');
  const recordsOnly = await memoryOf(site);
  await jobs.pause();
  const beforeWaiting = await memoryOf(site);
  const rows = Array.from({ length: count }, (_, n) => DATA['create-user'](`w${clientIdOf(n)}`));
  await jobs.addBulk(rows.map((data) => ({ name: 'create-user', data })));
  const withWaiting = await memoryOf(site);
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
    bytes('userBytes', 'what is remembered of a user, after two jobs', (recordsOnly - idleMemory) / count),
  ];
}

/** Takes away what warming up has left, but for what is loaded once; answers the memory of Redis then. */
async function empty(site: Site): Promise<number> {
  await site.events.obliterate({ force: true });
  await site.jobs.clean(0, 0, 'completed');
  return memoryOf(site);
}

async function memoryOf(site: Site): Promise<number> {
  // As with the jobs', its 10,000 notes of what happened are there for any number of events.
  await site.events.trimEvents(0);
  return settledMemory(site);
}
