/**
 * Finds the Redis that the configuration means: the one it names, or the embedded one, which every process of this directory
 * shares. Opens no connection.
 */
import type { RedisTarget } from '../redis/connection.ts';
import { startRedisServer } from './embedded-server.ts';

/** Relative to the working directory, as is the `.env` file. */
const EMBEDDED_DIR = '.data/redis';

export interface LocatedRedis {
  target: RedisTarget;
  /** Of the embedded Redis, if that is the one. */
  embeddedUrl?: string;
  /** Ends the embedded Redis if no other process uses it. */
  release: () => Promise<void>;
}

/** @throws Error if none is configured and this machine has none. */
export async function locateRedis(configured: 'embedded' | RedisTarget): Promise<LocatedRedis> {
  if (configured !== 'embedded') return { target: configured, release: async () => {} };
  const server = await startRedisServer({ dir: EMBEDDED_DIR });
  return { target: { kind: 'url', url: server.url }, embeddedUrl: server.url, release: () => server.stop() };
}
