import { describe, expect, it } from 'vitest';
import { createOldestWaiting } from '../../src/bullmq/oldest-waiting.ts';
import { createEventsWorld } from '../client/events-world.ts';

const HOUR_MS = 3_600_000;

describe('the time of the oldest job in line', () => {
  it('is none where no job waits', async () => {
    const { queue } = createEventsWorld();
    await queue.add('create-user', {}, { delay: HOUR_MS });
    expect(await createOldestWaiting(queue)()).toBeUndefined();
  });

  it('is that of the first without a priority, or of the first of a priority', async () => {
    const { queue } = createEventsWorld();
    const oldest = createOldestWaiting(queue);
    const now = Date.now();
    await queue.add('create-user', {}, { timestamp: now - 1 });
    expect(await oldest()).toBe(now - 1);
    await queue.add('create-user', {}, { timestamp: now - 2, priority: 1 });
    expect(await oldest()).toBe(now - 2);
    await queue.add('create-user', {}, { timestamp: now - 9, priority: 1 });
    expect(await oldest()).toBe(now - 2);
    await queue.add('create-user', {}, { timestamp: now - 3, priority: 2 });
    expect(await oldest()).toBe(now - 3);
  });

  it('is when a deferred one was due', async () => {
    const { queue } = createEventsWorld();
    const now = Date.now();
    const job = await queue.add('delete-user', {}, { timestamp: now - HOUR_MS, delay: HOUR_MS - 5 });
    await job.promote();
    expect(await createOldestWaiting(queue)()).toBe(now - 5);
  });

  it('is none that is impossible', async () => {
    const { queue } = createEventsWorld();
    await queue.add('create-user', {}, { timestamp: 1 });
    expect(await createOldestWaiting(queue)()).toBeUndefined();
  });

  it('is when it was added, if something else than the job shows it', async () => {
    const { queue } = createEventsWorld();
    const now = Date.now();
    await queue.add('create-user', {}, { jobId: 'j-1', timestamp: now - 1 });
    const addedAt = async (jobId: string) => (jobId === 'j-1' ? now - 7 : undefined);
    expect(await createOldestWaiting(queue, addedAt)()).toBe(now - 7);
  });
});
