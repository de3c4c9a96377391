import type { Job } from 'bullmq';
import { describe, expect, it, vi } from 'vitest';
import { type Settled, failed } from '../../../src/contract/outcome.ts';
import { type Version, versionOf } from '../../../src/contract/version.ts';
import type { Address, Run } from '../../../src/lifecycle/ports/user-state.ts';
import { type UserStateWorld, createUserStateWorld, instance, userId } from './user-state-world.ts';

const FAILED = failed('rejected', 'no');
const DELETED: Settled = { status: 'done', type: 'user.deleted', existed: true, verified: true };
const ENCRYPTED = '{"clientId":"c-1","encrypted":"1.pro_-of_-of_-of1.' + 'abcdef+/'.repeat(6) + '"}';
const ERASED = '{"clientId":"c-1","encrypted":"1.pro_-of_-of_-of1."}';

const idOf = (job: Job) => job.id ?? '';
const versionOfJob = (job: Job): Version =>
  versionOf({ name: job.name, id: idOf(job), timestamp: job.timestamp });
const dataOf = ({ redis, prefix }: UserStateWorld, jobId: string) =>
  redis.hget(`${prefix}:user-jobs:${jobId}`, 'data');

/** A job that fails, as BullMQ knows it, too. */
async function fail(
  world: UserStateWorld,
  more: { jobId?: string; timestamp?: number } = {},
  clientId = 'c-1',
  name: 'update-user' | 'delete-user' = 'update-user',
) {
  const job = await world.start(name, more);
  const user = await world.take(job, { clientId });
  const settlement = { ...world.settlementOf(job, FAILED), retainedData: ENCRYPTED };
  expect(await user.settle(settlement, { record: user.record })).toBe('ok');
  await job.moveToFailed(new Error('no'), job.token ?? '', false);
  return idOf(job);
}

/** The deletion of the user, at the time that is given. */
async function remove(
  world: UserStateWorld,
  more: { jobId?: string; timestamp?: number } = {},
  clientId = 'c-1',
) {
  const job = await world.start('delete-user', more);
  const user = await world.take(job, { clientId });
  const record = { ...user.record, state: 'deleted' as const, deleted: versionOfJob(job) };
  await user.settle(world.settlementOf(job, DELETED), { record });
  await job.moveToCompleted('', job.token ?? '', false);
}

describe('a deletion', () => {
  it('erases what its user’s failed jobs said that are older, and leaves what is newer', async () => {
    const world = await createUserStateWorld();
    const older = await fail(world, { timestamp: 1000 });
    const newer = await fail(world, { timestamp: 3000 });
    const another = await fail(world, { timestamp: 1000 }, 'c-2');
    await remove(world, { timestamp: 2000 });
    expect(await dataOf(world, older)).toBe(ERASED);
    expect(await dataOf(world, newer)).toBe(ENCRYPTED);
    expect(await dataOf(world, another)).toBe(ENCRYPTED);
  });

  it('erases a failed job once', async () => {
    const world = await createUserStateWorld();
    await fail(world, { timestamp: 1000 });
    await remove(world, { timestamp: 2000 });
    const job = await world.start('delete-user', { timestamp: 3000 });
    const user = await world.take(job);
    const record = { ...user.record, deleted: versionOfJob(job) };
    const settled = await user.onlySettle(world.settlementOf(job, DELETED), { record });
    expect(settled).toMatchObject({ olderFailed: [] });
  });

  it('orders jobs of the same time by their names and ids, as versions do', async () => {
    const world = await createUserStateWorld();
    const timestamp = 1000;
    const failed = [
      await fail(world, { timestamp, jobId: 'd' }),
      await fail(world, { timestamp }, 'c-1', 'delete-user'),
      await fail(world, { timestamp, jobId: 'c' }, 'c-1', 'delete-user'),
      await fail(world, { timestamp, jobId: 'aaa' }, 'c-1', 'delete-user'),
      await fail(world, { timestamp, jobId: '2a' }, 'c-1', 'delete-user'),
    ];
    await remove(world, { timestamp, jobId: 'b' });
    expect(await Promise.all(failed.map((id) => dataOf(world, id)))).toEqual([
      ERASED,
      ERASED,
      ENCRYPTED,
      ERASED,
      ERASED,
    ]);
  });

  it('leaves a job that was retried to be superseded', async () => {
    const world = await createUserStateWorld();
    const jobId = await fail(world, { timestamp: 1000 });
    await (await world.jobs.getJob(jobId))?.retry();
    expect(idOf(await world.fetch())).toBe(jobId);
    await remove(world, { timestamp: 2000 });
    expect(await dataOf(world, jobId)).toBe(ENCRYPTED);
  });

  it('reaches what failed before the user was renamed, or was found behind its clientId', async () => {
    const world = await createUserStateWorld();
    const old = await fail(world, { timestamp: 1000 }, 'old');
    const own = await fail(world, { timestamp: 1000 }, 'new');
    const rename = await world.start('update-user');
    const user = await world.take(rename, { clientId: 'old' });
    const record = { ...user.record, userId, state: 'live' as const };
    await user.settle(world.settlementOf(rename), { record, renamedTo: 'new', clientId: 'old' });
    await remove(world, {}, 'new');
    expect([await dataOf(world, old), await dataOf(world, own)]).toEqual([ERASED, ERASED]);
  });

  it('reaches what failed under the userId that a look-up has found behind the clientId', async () => {
    const world = await createUserStateWorld();
    const job = await world.start('update-user', { timestamp: 1000 });
    const byId = await world.take(job, { userId });
    const retainedData = ENCRYPTED;
    const recordUpdate = { record: { ...byId.record, userId } };
    await byId.settle({ ...world.settlementOf(job, FAILED), retainedData }, recordUpdate);
    await job.moveToFailed(new Error('no'), job.token ?? '', false);
    const byClient = await fail(world, { timestamp: 1000 });

    const deletion = await world.start('delete-user');
    const locked = await (await world.take(deletion)).lockAlso(userId);
    if (locked.is !== 'locked') throw new Error(locked.is);
    const record = { ...locked.user.record, state: 'deleted' as const, deleted: versionOfJob(deletion) };
    await locked.user.settle(world.settlementOf(deletion, DELETED), { record });
    expect([await dataOf(world, idOf(job)), await dataOf(world, byClient)]).toEqual([ERASED, ERASED]);
  });

  it('reaches what failed unread under any name of the user, also where that led nowhere yet', async () => {
    const world = await createUserStateWorld();
    const refuse = async (address: Address) => {
      const job = await world.start('update-user', { timestamp: 1000 });
      const settled = await world.userState.settleWithoutUser(
        world.runOf(job),
        world.settlementOf(job, FAILED),
        {
          instance,
          address,
          version: versionOfJob(job),
        },
      );
      await world.finish(job, settled, ENCRYPTED);
      await job.moveToFailed(new Error('no'), job.token ?? '', false);
      return idOf(job);
    };
    const early = [await refuse({ clientId: 'c-1' }), await refuse({ userId })];
    const other = await refuse({ clientId: 'c-2' });
    const create = await world.start('create-user', { timestamp: 500 });
    const user = await world.take(create, { clientId: 'c-1' });
    const record = { ...user.record, userId, state: 'live' as const };
    await user.settle(world.settlementOf(create), { record, clientId: 'c-1' });
    await remove(world, { timestamp: 2000 });
    const late = [await refuse({ clientId: 'c-1' }), await refuse({ userId })];
    const all = await Promise.all([...early, ...late].map((id) => dataOf(world, id)));
    expect(all).toEqual([ERASED, ERASED, ERASED, ERASED]);
    expect(await dataOf(world, other)).toBe(ENCRYPTED);
  });

  it('remembers the newest hundred failed jobs of a user', async () => {
    const world = await createUserStateWorld();
    const ids: string[] = [];
    for (let n = 0; n < 102; n += 1) ids.push(await fail(world, { timestamp: 1000 + n }));
    await remove(world, { timestamp: 5000 });
    const left = await Promise.all(ids.map((id) => dataOf(world, id)));
    expect(left.filter((data) => data === ERASED)).toHaveLength(100);
    expect(left.slice(0, 2)).toEqual([ENCRYPTED, ENCRYPTED]);
  });
});

describe('a settled job', () => {
  it('that nobody can read any more is known by its settlement', async () => {
    const world = await createUserStateWorld();
    const job = await world.start();
    const user = await world.take(job);
    await user.onlySettle(world.settlementOf(job), { record: user.record });
    const earlier = await world.userState.settleWithoutUser(
      world.runOf(job),
      world.settlementOf(job, FAILED),
    );
    expect(earlier).toMatchObject({ kept: { outcome: { type: 'user.updated' } } });
    await world.finish(job, earlier);
    expect(await world.eventIds()).toEqual([[expect.stringContaining('user.updated')]]);
  });

  it('that failed unread and was retried is settled again', async () => {
    const world = await createUserStateWorld();
    const job = await world.start();
    const end = async (run: Run) => {
      // Each comes at a time of its own.
      await vi.waitUntil(() => Date.now() > at);
      at = Date.now();
      const settled = await world.userState.settleWithoutUser(run, world.settlementOf(job, FAILED));
      await world.finish(job, settled);
      expect(settled.kept.outcome).toEqual(FAILED);
      return (await world.eventIds())[0]?.length;
    };
    let at = 0;
    expect(await end(world.runOf(job))).toBe(1);
    const again = { ...world.runOf(job), nonce: 'of another run' };
    expect(await end(again)).toBe(2);
    const stalled = { ...again, nonce: 'of a third', stalls: again.stalls + 1 };
    expect(await end(stalled)).toBe(2);
    expect(await end(stalled)).toBe(2);
    expect(await end({ ...stalled, nonce: 'of a fourth' })).toBe(3);
  });
});
