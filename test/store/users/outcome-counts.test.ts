import { inject, describe, expect, it, onTestFinished } from 'vitest';
import { failed } from '../../../src/contract/outcome.ts';
import { superseded } from '../../../src/operations/newer-knowledge.ts';
import type { UserEvent } from '../../../src/contract/event.ts';
import { fieldOf, readMinutes, sumOf } from '../../../src/store/users/outcome-counts.ts';
import { startTcpProxy } from '../../support/tcp-proxy.ts';
import { UPDATED, createUserStateWorld } from './user-state-world.ts';

describe('the ends of jobs', () => {
  it('are counted by operation, outcome and code', async () => {
    const world = await createUserStateWorld();
    for (const outcome of [UPDATED, UPDATED, superseded('newer values'), failed('rejected', 'no')]) {
      const job = await world.start();
      const user = await world.take(job);
      await user.settle(world.settlementOf(job, outcome), { record: user.record });
    }
    expect(await world.outcomes()).toEqual([
      { operation: 'update-user', outcome: 'done', jobs: 2 },
      { operation: 'update-user', outcome: 'superseded', code: 'newer values', jobs: 1 },
      { operation: 'update-user', outcome: 'failed', code: 'rejected', jobs: 1 },
    ]);
  });

  it('of jobs that nobody could read are counted, once, however often they are told', async () => {
    const world = await createUserStateWorld();
    const job = await world.start();
    const settlement = world.settlementOf(job, failed('invalid-job', 'no'));
    await world.userState.settleWithoutUser(world.runOf(job), settlement);
    await world.userState.settleWithoutUser(world.runOf(job), settlement);
    const afterStall = { ...world.runOf(job), nonce: 'another run', stalls: 1 };
    await world.userState.settleWithoutUser(afterStall, settlement);
    expect(await world.outcomes()).toMatchObject([{ code: 'invalid-job', jobs: 1 }]);
    await world.finish(job, await world.userState.settleWithoutUser(afterStall, settlement));
    // Put back by hand, it ends another time.
    await world.userState.settleWithoutUser(
      { ...world.runOf(job), nonce: 'put back', stalls: 1 },
      settlement,
    );
    expect(await world.outcomes()).toMatchObject([{ code: 'invalid-job', jobs: 2 }]);
  });

  it('are counted once where the reply was lost and the call was made again', async () => {
    const proxy = await startTcpProxy(inject('redisUrl'));
    onTestFinished(() => proxy.close());
    const world = await createUserStateWorld({ redisUrl: proxy.url });
    const job = await world.start();
    const user = await world.take(job);
    const isLost = proxy.dropReplies(1, 'user.updated');
    const settled = user.settle(world.settlementOf(job), { record: user.record });
    await isLost;
    expect(await settled).toBe('ok');
    expect(await world.outcomes()).toMatchObject([{ jobs: 1 }]);
  });

  it('are not counted where the run had lost its job', async () => {
    const world = await createUserStateWorld();
    const job = await world.start();
    const user = await world.take(job);
    await world.loseLock(job);
    await world.take(await world.start());
    expect(await user.settle(world.settlementOf(job), { record: user.record })).toBe('lost');
    expect(await world.outcomes()).toEqual([]);
  });

  it('of minutes that are over for longer are left out, and go after two hours', async () => {
    const world = await createUserStateWorld();
    const job = await world.start();
    const user = await world.take(job);
    await user.settle(world.settlementOf(job), { record: user.record });
    const [key = ''] = await world.redis.keys(`${world.prefix}:outcomes:*`);
    expect(await world.redis.ttl(key)).toBeGreaterThan(3600);
    expect(await world.redis.ttl(key)).toBeLessThanOrEqual(7200);
    const minute = Number(key.slice(key.lastIndexOf(':') + 1));
    await world.redis.rename(key, `${world.prefix}:outcomes:${minute - 61}`);
    expect(await world.outcomes(59)).toEqual([]);
    expect(await world.outcomes(65)).toHaveLength(1);
  });
});

describe('the counts of jobs', () => {
  it('have a field for each operation, outcome and code', () => {
    const fields = [
      { type: 'user.created', data: {} },
      { type: 'user.updated', data: {} },
      { type: 'user.deleted', data: {} },
      { type: 'user.moved', data: {} },
      { type: 'user.superseded', data: { operation: 'update-user', by: 'newer values' } },
      { type: 'user.failed', data: { operation: 'move-user', code: 'rejected' } },
    ].map((event) => fieldOf(event as UserEvent));
    expect(fields).toEqual([
      'create-user:done:',
      'update-user:done:',
      'delete-user:done:',
      'move-user:done:',
      'update-user:superseded:newer values',
      'move-user:failed:rejected',
    ]);
  });

  it('of several minutes are added up, the most frequent first', () => {
    const of = (operation: string, jobs: number, code?: string) =>
      ({ operation, outcome: 'done', jobs, ...(code !== undefined && { code }) }) as const;
    const minutes = [
      { at: 0, counts: [of('a', 1), of('b', 2)] },
      { at: 60_000, counts: [of('b', 3), of('a', 1, 'x')] },
    ];
    expect(sumOf(minutes)).toEqual([of('b', 5), of('a', 1), of('a', 1, 'x')]);
  });

  it('are read by the minute, up to the current one', async () => {
    const world = await createUserStateWorld();
    const job = await world.start();
    await world.userState.settleWithoutUser(world.runOf(job), world.settlementOf(job));
    const [key = ''] = await world.redis.keys(`${world.prefix}:outcomes:*`);
    const current = Number(key.slice(key.lastIndexOf(':') + 1));
    const minutes = await readMinutes(world.redis, world.prefix, 2);
    const counted = { operation: 'update-user', outcome: 'done', jobs: 1 };
    // The minute may have ended since.
    expect(minutes).toHaveLength(3);
    expect(minutes.find(({ at }) => at === current * 60_000)?.counts).toEqual([counted]);
    expect(minutes.flatMap(({ counts }) => counts)).toEqual([counted]);
    expect(minutes.map(({ at }) => at - (minutes[0]?.at ?? 0))).toEqual([0, 60_000, 120_000]);
    expect(await readMinutes(world.redis, world.prefix)).toHaveLength(61);
  });
});
