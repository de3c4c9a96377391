import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { createActionRecords } from '../../../../src/store/actions/action-records.ts';
import { makeFailedJobs } from '../../../support/failed-jobs.ts';
import { startTcpProxy } from '../../../support/tcp-proxy.ts';
import { createWorld } from '../../../support/world.ts';
import { connect, createOperatorWorld, fieldsIn, pathOf } from './operator-world.ts';

describe('no more is changed than was confirmed', () => {
  it.each([
    ['retryFailed', 'user-jobs', 'failed jobs'],
    ['dropFailed', 'user-jobs', 'failed jobs'],
    ['redriveDeadLetters', 'user-events', 'dead letters'],
    ['dropDeadLetters', 'user-events', 'dead letters'],
  ] as const)(
    'by %s, where a worker whose clock is behind has failed others since',
    async (name, queue, what) => {
      const world = await createOperatorWorld();
      await world.jobs.pause();
      const failedAt = Date.now() - 60_000;
      await makeFailedJobs(world.redis, world.prefix, { count: 2, queue, failedAt });
      const { html } = await world.press(name);
      await makeFailedJobs(world.redis, world.prefix, {
        count: 3,
        queue,
        idStart: 'late',
        failedAt: failedAt - 5000,
      });
      const { location } = await world.post(`${pathOf(name)}/confirmed`, fieldsIn(html));
      expect(await world.endOf(location)).toBe(
        `Nothing was changed. 5 ${what} are selected now, more than the 2 that were counted. Try again.`,
      );
      expect(await world.redis.zcard(`${world.prefix}:${queue}:failed`)).toBe(5);
    },
  );

  it('of held deletions, and they are not called gone where Redis has lost which ones were counted', async () => {
    const world = await createOperatorWorld({ env: { DELETIONS_PER_HOUR: '0' } });
    const held = `${world.prefix}:circuit:deletion-limit:held`;
    await world.run('create-user', { clientId: 'c-1' });
    await world.add('delete-user', { clientId: 'c-1' });
    await expect.poll(() => world.redis.zcard(held)).toBe(1);
    const { html } = await world.press('releaseDeletions');
    const [chosen = ''] = await world.redis.keys(`${world.prefix}:action:*:chosen`);
    await world.redis.del(chosen);
    const { location } = await world.post(`${pathOf('releaseDeletions')}/confirmed`, fieldsIn(html));
    expect(await world.endOf(location)).toBe(
      'Nothing was changed. Redis has lost which ones were counted. Try again.',
    );
    expect(await world.redis.zcard(held)).toBe(1);
  });
});

describe('where a reply of Redis is lost', () => {
  const FACTS = { command: 'test it', who: 'anna', question: 'Test 1 job', total: 1 };

  async function createRecords() {
    const { prefix, redis } = await createWorld({ startsWorker: false });
    const proxy = await startTcpProxy(inject('redisUrl'));
    onTestFinished(() => proxy.close());
    return { records: createActionRecords(connect(proxy.url), prefix), proxy, prefix, redis };
  }

  it('the worker that has begun an action knows it, and no other begins it', async () => {
    const { records, proxy } = await createRecords();
    const lost = proxy.dropReplies(1, '"begun"');
    expect(await records.begin('an-id', FACTS)).toBe(true);
    await lost;
    expect(await records.begin('an-id', FACTS)).toBe(false);
    expect(await records.read('an-id')).toMatchObject({ ...FACTS, state: 'begun', isAlive: true });
  });

  it('what was counted is kept once', async () => {
    const { records, proxy, prefix, redis } = await createRecords();
    const jobIds = Array.from({ length: 1500 }, (_, n) => String(n));
    const lost = proxy.dropReplies(1, 'RPUSH');
    await records.keepChosen('an-id', jobIds);
    await lost;
    expect(await redis.lrange(`${prefix}:action:an-id:chosen`, 0, -1)).toEqual(jobIds);
  });
});
