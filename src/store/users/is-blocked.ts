/**
 * Whether a delayed job waits for another job of its user. Changes nothing.
 */
import type { Instance } from '../../operations/context.ts';
import type { RedisConnection } from '../../redis/connection.ts';
import type { Address } from '../../lifecycle/ports/user-state.ts';
import { hashesOf, namingOf } from './user-hash.ts';

interface DelayedJob {
  id: string;
  timestamp: number;
  instance: Instance;
  /** Whom it names. */
  address: Address;
}

export async function isBlocked(
  connection: RedisConnection,
  prefix: string,
  { id, timestamp, instance, address }: DelayedJob,
): Promise<boolean> {
  const { client, user } = hashesOf(namingOf(instance), address, { id, timestamp });
  const isBlockedAt = async (name: string) => {
    const place = (await connection.hget(`${prefix}:user:${name}`, 'movedTo')) ?? name;
    return (await connection.zscore(`${prefix}:user:${place}:blocked`, id)) !== null;
  };
  const names = [client, user].filter((name) => name !== '');
  return (await Promise.all(names.map(isBlockedAt))).includes(true);
}
