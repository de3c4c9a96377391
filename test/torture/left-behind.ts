/**
 * Looks for the load's values where they must not be once all jobs are settled: in Redis and in the workers' logs.
 */
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { dumpRedis, tracesOf } from '../support/traces.ts';
import { MARK } from './load.ts';
import type { TortureRedis } from './torture-redis.ts';

export async function whatIsLeft(redis: TortureRedis, prefix: string, logDir: string): Promise<string[]> {
  const logs = await Promise.all(
    (await readdir(logDir)).map(async (name) => (await readFile(join(logDir, name), 'utf8')).split('\n')),
  );
  const dump = await redis.withMaster((master) => dumpRedis(master, `${prefix}*`));
  return tracesOf([MARK], [...dump, ...logs.flat()]);
}
