/**
 * Opens a BullMQ queue over a connection that the command has already. The queue needs no closing: the connection is closed by
 * who opened it.
 */
import { Queue } from 'bullmq';
import type { RedisConnection } from '../../redis/connection.ts';

export function openQueue(name: string, connection: RedisConnection, prefix: string): Queue {
  const queue = new Queue(name, { connection, prefix, skipMetasUpdate: true });
  // Only echoes what the connection says itself; without a listener BullMQ would print it.
  queue.on('error', () => {});
  return queue;
}
