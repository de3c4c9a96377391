import { Worker } from 'bullmq';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { hasReader } from '../../src/bullmq/has-consumer.ts';
import { createEventsWorld } from '../client/events-world.ts';

function startWorker({ redis, prefix }: ReturnType<typeof createEventsWorld>): Worker {
  const connection = redis.duplicate();
  const worker = new Worker('user-events', async () => {}, { connection, prefix });
  worker.on('error', () => {});
  onTestFinished(async () => {
    await worker.close();
    connection.disconnect();
  });
  return worker;
}

describe('a queue', () => {
  it('has no reader until a worker connects', async () => {
    const world = createEventsWorld();
    expect(await hasReader(world.queue)).toBe(false);
    startWorker(world);
    await expect.poll(() => hasReader(world.queue)).toBe(true);
  });

  it('has had one that took a job lately, whatever names its connections have', async () => {
    const world = createEventsWorld();
    await world.queue.add('user.updated', {}, { jobId: 'j-1' });
    const worker = startWorker(world);
    await expect.poll(() => world.queue.getCompletedCount()).toBe(1);
    await worker.close();
    expect(await world.queue.getWorkersCount()).toBe(0);
    expect(await hasReader(world.queue)).toBe(true);
    await world.redis.hset(world.queue.toKey('j-1'), 'processedOn', Date.now() - 3_600_000);
    expect(await hasReader(world.queue)).toBe(false);
  });

  it.each([
    [
      'no permissions to run the command',
      'NOPERM this user has no permissions to run the command',
      undefined,
    ],
    ['a Redis that is away', 'Connection is closed.', 'Connection is closed.'],
  ])('is not taken to have no reader because of %s', async (_what, message, thrown) => {
    const { queue } = createEventsWorld();
    vi.spyOn(queue, 'getWorkers').mockRejectedValueOnce(new Error(message));
    const answer = await hasReader(queue).catch((error: Error) => error.message);
    expect(answer).toBe(thrown);
  });
});
