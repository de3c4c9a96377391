/**
 * The benchmark of memory in Redis: what a sign-up takes there while it waits, once it is done, and what is remembered of its user.
 */
import type { Section } from './figures.ts';
import { prepareEnvironment } from './environment.ts';
import type { PartOptions } from './part.ts';
import { carryOut, empty, openWorkload, weighed } from './workload.ts';

/** Completed jobs are kept up to this number. */
const MOST_JOBS = 10_000;
const QUICK_JOBS = 2000;

export async function bytes({ jobs, isQuick, onProgress, signal }: PartOptions): Promise<Section[]> {
  const count = Math.min(jobs, isQuick ? QUICK_JOBS : MOST_JOBS);
  const environment = await prepareEnvironment();
  try {
    const workload = await openWorkload(environment, 'bytes', { onProgress, signal });
    try {
      const idleMemory = await empty(workload);
      onProgress(`weighing ${count.toLocaleString('en')} sign-ups`);
      await carryOut(workload, 'create-user', count, { kind: 'c', signal });
      const figures = await weighed(workload, { count, jobsEach: 1, idleMemory });
      return [{ title: 'Redis, all keys included', figures }];
    } finally {
      await workload.close();
    }
  } finally {
    await environment.close();
  }
}
