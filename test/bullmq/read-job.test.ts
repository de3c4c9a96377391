import { describe, expect, it } from 'vitest';
import { fewAtATime, readStoredJob } from '../../src/bullmq/read-job.ts';
import { createEventsWorld } from '../client/events-world.ts';

describe('a job that another client has added', () => {
  it('is read with the text of its data, whatever it is', async () => {
    const { queue, redis } = createEventsWorld();
    await queue.add('user.updated', {}, { jobId: 'j-1' });
    await redis.hset(queue.toKey('j-1'), 'data', 'no JSON');
    expect(await readStoredJob(queue, 'j-1')).toMatchObject({ name: 'user.updated', data: 'no JSON' });
  });

  it.each([
    ['options that are no JSON', 'no JSON'],
    ['options that are no object', 'null'],
  ])('with %s is none', async (_what, options) => {
    const { queue, redis } = createEventsWorld();
    await queue.add('user.updated', {}, { jobId: 'j-1' });
    await redis.hset(queue.toKey('j-1'), 'opts', options);
    expect(await readStoredJob(queue, 'j-1')).toBeUndefined();
  });

  it('is none where its id is the name of a key of the queue', async () => {
    const { queue } = createEventsWorld();
    await queue.add('user.updated', {});
    expect(await readStoredJob(queue, 'events')).toBeUndefined();
  });

  it('is not taken to be absent where Redis is', async () => {
    const { queue, redis } = createEventsWorld();
    const other = redis.duplicate();
    other.disconnect();
    const away = Object.assign(Object.create(queue) as typeof queue, {
      getBackend: () => ({ getJobData: () => other.hgetall('x') }),
    });
    await expect(readStoredJob(away, 'j-1')).rejects.toThrow('Connection is closed');
  });
});

describe('few at a time', () => {
  it('are so many, and their answers come in the order of the items', async () => {
    let [running, most] = [0, 0];
    const answers = await fewAtATime([5, 1, 4, 2, 3], 2, async (item) => {
      running += 1;
      most = Math.max(most, running);
      for (let turn = 0; turn < item; turn += 1) await Promise.resolve();
      running -= 1;
      return item * 2;
    });
    expect([answers, most]).toEqual([[10, 2, 8, 4, 6], 2]);
  });

  it('begin no other once one has failed', async () => {
    const begun: number[] = [];
    const work = fewAtATime([1, 2, 3, 4, 5, 6], 2, async (item) => {
      begun.push(item);
      await Promise.resolve();
      if (item === 2) throw new Error('no');
    });
    await expect(work).rejects.toThrow('no');
    await new Promise(setImmediate);
    expect(begun).toEqual([1, 2, 3]);
  });
});
