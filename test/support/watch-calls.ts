/**
 * Watches what Redis is asked while a world works.
 */
import { inject, onTestFinished } from 'vitest';
import { monitorRedis } from './monitor.ts';
import type { World } from './world.ts';

/** Every script call while this world works, by its keys and arguments; not the calls within scripts. */
export async function watchCalls(world: World): Promise<{
  /** How many of them name a job. */
  naming: (jobId: string) => number;
  untilNow: () => Promise<void>;
}> {
  const calls: string[][] = [];
  const mark = `${world.prefix}:mark`;
  const { promise: marked, resolve } = Promise.withResolvers<void>();
  const monitor = await monitorRedis(inject('redisUrl'), ({ source, args }) => {
    if (source !== 'lua' && /^eval(sha)?$/i.test(args[0] ?? '')) calls.push(args);
    if (args[1] === mark) resolve();
  });
  onTestFinished(() => monitor.close());
  return {
    naming(jobId) {
      const key = `${world.prefix}:user-jobs:${jobId}`;
      const names = [jobId, key, `${key}:lock`];
      return calls.filter((args) => args.some((argument) => names.includes(argument))).length;
    },
    async untilNow() {
      await world.redis.get(mark);
      await marked;
    },
  };
}
