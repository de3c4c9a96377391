/**
 * Opens a queue for reading and adding, beside the workers that own its metadata.
 */
import { Queue, type QueueOptions } from 'bullmq';

export function openQueue(name: string, options: QueueOptions): Queue {
  const queue = new Queue(name, { ...options, skipMetasUpdate: true });
  // Only echoes what the connection says itself; without a listener BullMQ would print it.
  queue.on('error', () => {});
  return queue;
}
