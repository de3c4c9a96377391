import { randomUUID } from 'node:crypto';
import { Queue, QueueKeys, Worker } from 'bullmq';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { connectRedis } from '../../src/redis/connection.ts';
import { brokenKeysOf } from '../../src/bullmq/queue-keys.ts';

const NAMES = Object.keys(new QueueKeys('').getKeys('')).filter((name) => name !== '');

function openQueue() {
  const connection = connectRedis({ kind: 'url', url: inject('redisUrl') });
  const prefix = `{test-${randomUUID()}}`;
  const queue = new Queue('user-jobs', { connection, prefix });
  queue.on('error', () => undefined);
  onTestFinished(async () => {
    await connection.unlink(...(await connection.keys(`${prefix}*`)), 'none');
    await queue.close();
    connection.disconnect();
  });
  return { connection, prefix, queue, broken: () => brokenKeysOf(connection, [queue]) };
}

describe('a queue', () => {
  it('is whole while jobs of every kind come and go', async () => {
    const { connection, prefix, queue, broken } = openQueue();
    expect(await broken()).toEqual([]);
    await queue.addBulk([
      { name: 'a', data: {}, opts: { deduplication: { id: 'x' } } },
      { name: 'a', data: {}, opts: { delay: 60_000 } },
      { name: 'a', data: {}, opts: { priority: 1 } },
      { name: 'fails', data: {} },
    ]);
    const worker = new Worker(
      'user-jobs',
      async ({ name }) => {
        if (name === 'fails') throw new Error('no');
      },
      { connection, prefix, limiter: { max: 2, duration: 5 }, metrics: { maxDataPoints: 5 } },
    );
    await expect
      .poll(async () => [await queue.getCompletedCount(), await queue.getFailedCount()])
      .toEqual([2, 1]);
    await queue.pause();
    await queue.add('a', {});
    expect(await broken()).toEqual([]);
    await worker.close();
  });

  // BullMQ keeps `id` and `meta` from the first job on, and takes that id for one that is there already.
  it.each(NAMES.filter((name) => !['id', 'meta', 'de'].includes(name)))(
    'that a job with the id %s has broken is told, and mended by what is told to do',
    async (name) => {
      const { connection, prefix, queue, broken } = openQueue();
      await queue.add('a', {}, { jobId: name }).catch(() => undefined);
      const [found, ...others] = await broken();
      expect(found?.fault).toContain(`${prefix}:user-jobs:${name} holds a job: `);
      expect(others).toEqual([]);

      const [, commands = ''] = found?.todo.split('in redis-cli: ') ?? [];
      for (const command of commands.split('; ')) {
        const [verb = '', ...args] = command.split(' ');
        await connection.call(verb, ...args);
      }
      expect(await broken()).toEqual([]);
      await queue.add('a', {}, { jobId: 'the-next' });
      const done: (string | undefined)[] = [];
      const worker = new Worker('user-jobs', async ({ id }) => void done.push(id), { connection, prefix });
      worker.on('error', () => undefined);
      await expect.poll(() => done).toEqual(['the-next']);
      await worker.close();
    },
  );
});
