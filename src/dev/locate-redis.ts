/**
 * Where the Redis is that the configuration means: the one it names, or the embedded one, which every process of this
 * directory shares. Opens no connection.
 */
import type { RedisTarget } from '../redis/connection.ts';
import { startRedisServer } from './embedded-server.ts';

/** Relative to the working directory, as is the `.env` file. */
const EMBEDDED_DIR = '.data/redis';

export interface LocatedRedis {
  target: RedisTarget;
  /** Of the embedded Redis, where that is the one. */
  embeddedUrl?: string;
  /** Lets go of it; the embedded one ends where nobody else uses it. */
  release: () => Promise<void>;
}

/**
 * Finds the Redis that is configured, and starts the embedded one where none is.
 * @param log told of what starting the embedded one takes, a line at a time.
 * @throws where none is configured and this machine has none.
 */
export async function locateRedis(
  configured: 'embedded' | RedisTarget,
  log: (line: string) => void,
): Promise<LocatedRedis> {
  if (configured !== 'embedded') return { target: configured, release: async () => {} };
  const server = await startRedisServer({ dir: EMBEDDED_DIR, log });
  return {
    target: { kind: 'url', url: server.url },
    embeddedUrl: server.url,
    release: () => server.stop(),
  };
}
