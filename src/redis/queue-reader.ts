/**
 * Whether any BullMQ worker takes jobs from a queue, whoever runs it and in whatever language. Changes nothing.
 */
import type { Queue } from 'bullmq';
import { isLostConnection } from './connection.ts';

/**
 * Undefined where nobody can tell. A worker leaves a key for as long as it takes until it looks for stalled jobs again; between two of
 * them, and of a worker that does not look, the names of the connections tell.
 */
export async function hasReader(queue: Queue): Promise<boolean | undefined> {
  const client = await queue.getBackend().client;
  if ((await client.get(queue.toKey('stalled-check'))) !== null) return true;
  try {
    const workers = await queue.getWorkers();
    // BullMQ's answer where Redis does not list its connections.
    return workers.some(({ name }) => name === UNKNOWN) ? undefined : workers.length > 0;
  } catch (error) {
    // A user with the least access may not ask.
    if (isLostConnection(error)) throw error;
    return undefined;
  }
}

const UNKNOWN = 'GCP does not support client list';
