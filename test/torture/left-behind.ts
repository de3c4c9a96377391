/**
 * Looks for the load's values where they must not be once all jobs are settled: in Redis and in the workers' logs.
 */
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { dumpRedis, tracesOf } from '../support/traces.ts';
import { MARK } from './load.ts';

export async function whatIsLeft(redisUrl: string, prefix: string, logDir: string): Promise<string[]> {
  const redis = new Redis(redisUrl);
  try {
    const logs = await Promise.all(
      (await readdir(logDir)).map(async (name) => (await readFile(join(logDir, name), 'utf8')).split('\n')),
    );
    return tracesOf([MARK], [...(await dumpRedis(redis, `${prefix}*`)), ...logs.flat()]);
  } finally {
    redis.disconnect();
  }
}
