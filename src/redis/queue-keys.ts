/**
 * The names of BullMQ's own keys of a queue. A job whose id is one of them lies under that key, and the queue stops: our producers
 * refuse such an id, and where another client has given one, it is found by the type of the key.
 */
import { type Queue, QueueKeys } from 'bullmq';
import type { RedisConnection } from './connection.ts';

/** By name, as the scripts of BullMQ use them; some exist for a while only. */
const TYPES: Readonly<Record<string, string>> = {
  active: 'list',
  wait: 'list',
  paused: 'list',
  'waiting-children': 'zset',
  delayed: 'zset',
  prioritized: 'zset',
  completed: 'zset',
  failed: 'zset',
  stalled: 'set',
  'stalled-check': 'string',
  repeat: 'zset',
  id: 'string',
  pc: 'string',
  limiter: 'string',
  meta: 'hash',
  events: 'stream',
  marker: 'zset',
};

// The rest of them lie below a name and a colon: `metrics:completed:data`, `de:ID`, `dn:ID`; `priority` is of older versions.
const NAMES = new Set([...Object.keys(new QueueKeys('').getKeys('')), 'metrics', 'dn', 'priority']);

/** Whether a job with this id would lie under a key of the queue itself. */
export function isQueueKey(jobId: string): boolean {
  return NAMES.has(jobId.split(':', 1)[0] ?? '');
}

type QueuePlace = Pick<Queue, 'toKey'>;

/** A key of a queue that is none any more; the queue has stopped. */
export interface BrokenKey {
  /** What is wrong. */
  fault: string;
  /** What to do. */
  todo: string;
}

/** Which keys of these queues are broken. Changes nothing. */
export async function brokenKeysOf(
  connection: RedisConnection,
  queues: readonly QueuePlace[],
): Promise<BrokenKey[]> {
  const broken = await Promise.all(queues.map((queue) => brokenIn(connection, queue)));
  return broken.flat();
}

async function brokenIn(connection: RedisConnection, queue: QueuePlace): Promise<BrokenKey[]> {
  const types = await Promise.all(Object.keys(TYPES).map((name) => connection.type(queue.toKey(name))));
  return Object.entries(TYPES).flatMap(([name, expected], index) => {
    const is = types[index];
    return is === undefined || is === 'none' || is === expected ? [] : [brokenKey(queue, name, expected, is)];
  });
}

/** A job that was added so is still in a line: taken again, it would break the key anew. */
function brokenKey(queue: QueuePlace, name: string, expected: string, is: string): BrokenKey {
  const key = queue.toKey(name);
  const lines = ['wait', 'paused', 'active'].map((line) => `LREM ${queue.toKey(line)} 0 ${name}`);
  return {
    fault: `${key} is a ${is}, not a ${expected}: a client has added a job with the id ${name}, and the queue has stopped`,
    todo: `have that client use other ids, then in redis-cli: RENAME ${key} ${queue.toKey(`broken-${name}`)}; ${lines.join('; ')}`,
  };
}
