/**
 * The benchmark of capacity: what a job costs a worker and Redis in CPU time, and what it leaves in Redis. CPU time, since the
 * seconds of a machine that does other things too tell nothing of another one. Reads /proc: Linux only.
 */
import type { Figure, Section } from './figures.ts';
import { prepareEnvironment } from './environment.ts';
import type { PartOptions } from './part.ts';
import { cpuOf, residentOf } from './process-usage.ts';
import {
  type Operation,
  type Workload,
  OPERATIONS,
  carryOut,
  empty,
  openWorkload,
  weighed,
} from './workload.ts';
import { cpuSecondsOf } from './weight.ts';

/** More would add no information, and completed jobs are kept up to this number. */
const MOST_JOBS = 10_000;
const QUICK_JOBS = 2000;
/** A deletion takes far more: several requests, and a place in the one chain of receipts. */
const MOST_DELETIONS = 1000;
const QUICK_DELETIONS = 100;

export async function capacity({ jobs, isQuick, onProgress, signal }: PartOptions): Promise<Section[]> {
  const count = Math.min(jobs, isQuick ? QUICK_JOBS : MOST_JOBS);
  const environment = await prepareEnvironment();
  try {
    const workload = await openWorkload(environment, 'capacity', { onProgress, signal });
    try {
      const idleMemory = await empty(workload);
      const work: Figure[] = [];
      for (const operation of OPERATIONS) {
        const share =
          operation === 'delete-user' ? Math.min(count, isQuick ? QUICK_DELETIONS : MOST_DELETIONS) : count;
        onProgress(`${share.toLocaleString('en')} jobs ${operation}`);
        work.push(...(await measured(workload, operation, share, signal)));
      }
      const peakBytes = await residentOf(workload.workerPid, 'peak');
      onProgress('weighing what is left in Redis');
      return [
        { title: 'A job with a Damoov that answers at once', figures: work },
        {
          title: 'Redis, all keys included',
          figures: await weighed(workload, { count, jobsEach: 2, idleMemory }),
        },
        {
          title: 'A worker',
          figures: [
            { name: 'workerPeak', what: 'resident memory, peak', value: peakBytes / 1e6, unit: 'MB' },
          ],
        },
      ];
    } finally {
      await workload.close();
    }
  } finally {
    await environment.close();
  }
}

/** What so many jobs of an operation cost, and no event of them is left. */
async function measured(
  workload: Workload,
  operation: Operation,
  count: number,
  signal?: AbortSignal,
): Promise<Figure[]> {
  const before = { worker: await cpuOf(workload.workerPid), redis: await cpuSecondsOf(workload.redis) };
  await carryOut(workload, operation, count, { kind: 'c', signal });
  const worker = (await cpuOf(workload.workerPid)) - before.worker;
  const redis = (await cpuSecondsOf(workload.redis)) - before.redis;
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
