/**
 * Finds the configured Redis: a named one, or the embedded one, which all processes of this directory share. Opens no connection.
 */
import type { RedisTarget } from '../redis/connection.ts';

/** Relative to the working directory, as is the `.env` file. */
const EMBEDDED_DIR = '.data/redis';

export interface LocatedRedis {
  target: RedisTarget;
  /** URL of the embedded Redis, if it is used. */
  embeddedUrl?: string;
  /** Ends the embedded Redis if no other process uses it. */
  release: () => Promise<void>;
}

/** @throws Error if none is configured and this machine has none. */
export async function locateRedis(configured: 'embedded' | RedisTarget): Promise<LocatedRedis> {
  if (configured !== 'embedded') return { target: configured, release: async () => {} };
  // A worker with a Redis of its own starts without this code.
  const { startRedisServer } = await import('./embedded-server.ts');
  const server = await startRedisServer({ dir: EMBEDDED_DIR });
  return { target: { kind: 'url', url: server.url }, embeddedUrl: server.url, release: () => server.stop() };
}
