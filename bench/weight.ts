/**
 * What Redis tells of itself: how much memory deletions take, and its CPU time. Knows its reports, and what makes them waver.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { LAST_DUE_MS } from '../src/store/deletions/deletions.ts';
import type { Store } from './pending.ts';

export interface Weight {
  /** By how much Redis' memory grew, a deletion. */
  readonly bytes: number;
  /** What Redis says of its keys one by one, a sample of them, a deletion. */
  readonly sampledBytes: number;
}

/** Weighs what the work adds, all keys included. @param count of the deletions that it adds. */
export async function weigh(store: Store, count: number, work: () => Promise<unknown>): Promise<Weight> {
  // The first deletion also loads the scripts and the shared keys.
  await store.deletions.schedule({ clientId: 'the-first-of-all' }, LAST_DUE_MS);
  const before = await settledMemory(store);
  await work();
  const after = await settledMemory(store);
  return { bytes: (after - before) / count, sampledBytes: (await sampledMemory(store)) / count };
}

/** Redis' memory in bytes, once it moves no more: tables are resized and the append-only file is rewritten by and by. */
export async function settledMemory({ redis, jobs }: Pick<Store, 'redis' | 'jobs'>): Promise<number> {
  // The same 10,000 entries for any number of deletions; a small number must not bear them all.
  await jobs.trimEvents(0);
  for (let last = Number.NaN, stable = 0; ;) {
    const info = await redis.info();
    const used = numberIn(info, 'used_memory') - numberIn(info, 'mem_clients_normal');
    const isAtRest = numberIn(info, 'aof_rewrite_in_progress') === 0 && Math.abs(used - last) < 0.0001 * used;
    stable = isAtRest ? stable + 1 : 0;
    if (stable >= 5) return used;
    last = used;
    await sleep(100);
  }
}

const SAMPLED_KEYS = 2000;

async function sampledMemory({ redis, jobs }: Store): Promise<number> {
  const memoryOf = async (key: string, ...samples: ['SAMPLES', number] | []): Promise<number> =>
    Number((await redis.call('MEMORY', 'USAGE', key, ...samples.map(String))) ?? 0);
  const large = ['delayed', 'events'].map((name) => jobs.toKey(name));
  let bytes = 0;
  let sampled = 0;
  while (sampled < SAMPLED_KEYS) {
    const key = (await redis.randomkey()) ?? '';
    if (large.includes(key)) continue;
    bytes += await memoryOf(key);
    sampled += 1;
  }
  const keys = (await redis.dbsize()) - large.length;
  return (bytes / sampled) * keys + (await memoryOf(large[0] ?? '', 'SAMPLES', 1000));
}

/** CPU time of Redis since it started. */
export async function cpuSecondsOf(redis: Redis): Promise<number> {
  const info = await redis.info('cpu');
  return numberIn(info, 'used_cpu_user') + numberIn(info, 'used_cpu_sys');
}

function numberIn(info: string, name: string): number {
  const [, value] = new RegExp(`^${name}:(.+?)\\r?$`, 'm').exec(info) ?? [];
  if (value === undefined) throw new Error(`Redis does not tell ${name}`);
  return Number(value);
}
