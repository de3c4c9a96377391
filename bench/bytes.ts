/**
 * The benchmark of memory in Redis: what a sign-up takes there while it waits, once it is done, and what is remembered of its user.
 */
import type { Section } from './figures.ts';
import { prepareGround } from './ground.ts';
import type { PartOptions } from './part.ts';
import { carryOut, empty, openSite, weighed } from './site.ts';

/** Completed jobs are kept up to this number. */
const MOST_JOBS = 10_000;
const QUICK_JOBS = 2000;

export async function bytes({ jobs, isQuick, onProgress, signal }: PartOptions): Promise<Section[]> {
  const count = Math.min(jobs, isQuick ? QUICK_JOBS : MOST_JOBS);
  const ground = await prepareGround();
  try {
    const site = await openSite(ground, 'bytes', { onProgress, signal });
    try {
      const idleMemory = await empty(site);
      onProgress(`weighing ${count.toLocaleString('en')} sign-ups`);
      await carryOut(site, 'create-user', count, { kind: 'c', signal });
      const figures = await weighed(site, { count, jobsEach: 1, idleMemory });
      return [{ title: 'Redis, all keys included', figures }];
    } finally {
      await site.close();
    }
  } finally {
    await ground.close();
  }
}
