/**
 * Remembers in Redis which UserId a clientId has. The clientId itself is never stored: the key is a keyed hash of it.
 */
import { createHmac } from 'node:crypto';
import type { Instance, UserDirectory } from '../operations/context.ts';
import type { RedisConnection } from './connection.ts';

/** Entries go 30 days after they were last written or read. */
const KEEP_S = 30 * 24 * 3600;

/** A directory under the queues' prefix, and so in the same slot of a cluster. */
export function createUserDirectory(redis: RedisConnection, prefix: string): UserDirectory {
  const keyOf = (instance: Instance, clientId: string): string => {
    const hash = createHmac('sha256', instance.secret)
      .update(JSON.stringify(['directory', instance.id.toLowerCase(), clientId]))
      .digest('base64url');
    return `${prefix}:user-directory:${hash}`;
  };
  return {
    async find(instance, clientId) {
      return (await redis.getex(keyOf(instance, clientId), 'EX', KEEP_S)) ?? undefined;
    },
    async remember(instance, clientId, userId) {
      await redis.set(keyOf(instance, clientId), userId, 'EX', KEEP_S);
    },
    async forget(instance, clientId) {
      await redis.del(keyOf(instance, clientId));
    },
  };
}
