/**
 * Finds jobs whose id is one of BullMQ's own key names. Such a job overwrites that key and stops the queue. Our producers use no such id;
 * a job of another client is recognised by the content of the key.
 */
import type { Queue } from 'bullmq';
import type { RedisConnection } from '../redis/connection.ts';
import { readStoredJob } from './read-job.ts';

/** A key of a queue that holds a job; the queue has stopped. */
export interface BrokenKey {
  /** What is wrong. */
  fault: string;
  /** What to do. */
  todo: string;
}

type BullQueue = Pick<Queue, 'keys' | 'getBackend'>;

/** Which keys of these queues are broken. Changes nothing. */
export async function brokenKeysOf(
  connection: RedisConnection,
  queues: readonly BullQueue[],
): Promise<BrokenKey[]> {
  const broken = await Promise.all(queues.map((queue) => brokenIn(connection, queue)));
  return broken.flat();
}

async function brokenIn(connection: RedisConnection, queue: BullQueue): Promise<BrokenKey[]> {
  const keys = await typed(connection, queue);
  const broken: BrokenKey[] = [];
  for (const { name, key, type } of keys) {
    // BullMQ's own hash has no job name.
    const isJob = type === 'hash' && (await readStoredJob(queue, name))?.name !== undefined;
    if (isJob) broken.push(await brokenKey(connection, keys, { name, key }));
  }
  return broken;
}

interface TypedKey {
  name: string;
  key: string;
  type: string;
}

async function typed(connection: RedisConnection, queue: BullQueue): Promise<TypedKey[]> {
  const keys = Object.entries(queue.keys).filter(([name]) => name !== '');
  return Promise.all(keys.map(async ([name, key]) => ({ name, key, type: await connection.type(key) })));
}

/** The job may still be queued: fetched again, it would break the key again. */
async function brokenKey(
  connection: RedisConnection,
  keys: readonly TypedKey[],
  { name, key }: Pick<TypedKey, 'name' | 'key'>,
): Promise<BrokenKey> {
  const commands = [`RENAME ${key} ${key}-broken`];
  for (const other of keys) {
    if (other.type === 'list' && (await connection.lpos(other.key, name)) !== null)
      commands.push(`LREM ${other.key} 0 ${name}`);
    if (other.type === 'zset' && (await connection.zscore(other.key, name)) !== null)
      commands.push(`ZREM ${other.key} ${name}`);
  }
  return {
    fault: `${key} holds a job: a client has added one with the id ${name}, and the queue has stopped`,
    todo: `make that client use other ids, then in redis-cli: ${commands.join('; ')}`,
  };
}
