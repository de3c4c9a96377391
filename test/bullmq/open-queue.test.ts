import { expect, it, onTestFinished } from 'vitest';
import { openQueue } from '../../src/bullmq/open-queue.ts';
import { createEventsWorld } from '../client/events-world.ts';

it('a queue that is opened has its prefix, and leaves its metadata to the workers', async () => {
  const { redis, prefix } = createEventsWorld();
  const queue = openQueue('user-jobs', { connection: redis, prefix });
  onTestFinished(() => queue.close());
  expect(queue.qualifiedName).toBe(`${prefix}:user-jobs`);
  onTestFinished(() => queue.obliterate({ force: true }));
  await queue.add('create-user', {}, { jobId: 'j-1' });
  expect(await redis.exists(queue.toKey('j-1'))).toBe(1);
  // BullMQ's script adds the length of the stream of events, if it is not there.
  expect(await redis.hkeys(queue.toKey('meta'))).toEqual(['opts.maxLenEvents']);
});
