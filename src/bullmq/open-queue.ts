/**
 * Opens a queue for reading and adding, beside the workers that own its metadata.
 */
import { Queue, type QueueOptions } from 'bullmq';

export function openQueue(name: string, options: QueueOptions): Queue {
  const queue = new Queue(name, { ...options, skipMetasUpdate: true });
  // The connection reports its own errors; without a listener BullMQ would print them.
  queue.on('error', () => {});
  return queue;
}
