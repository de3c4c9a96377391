import type { Job } from 'bullmq';
import { describe, expect, it } from 'vitest';
import type { Settled } from '../../../src/contract/outcome.ts';
import type { Settlement } from '../../../src/lifecycle/ports/user-state.ts';
import { saltKeyOf } from '../../../src/store/deletions/deletion-names.ts';
import { createDeletions } from '../../../src/store/deletions/deletions.ts';
import { createDeletionGuard } from '../../../src/store/deletions/guard.ts';
import { userTokensKey } from '../../../src/store/users/user-tokens.ts';
import { type UserStateWorld, createUserStateWorld, live, userId } from './user-state-world.ts';

const MONTH_S = 30 * 24 * 3600;
const TOMORROW = Date.now() + 86_400_000;
const LATER = { timestamp: Date.now() + 60_000 };
const CREATED: Settled = {
  status: 'done',
  type: 'user.created',
  userId,
  existed: false,
  accessToken: 'token',
};
const DELETED: Settled = { status: 'done', type: 'user.deleted', userId, existed: true, verified: true };

const guardOf = ({ jobs, prefix }: UserStateWorld) =>
  createDeletionGuard({ jobs, prefix, deletionsPerHour: 10 });

/** Ends a job, and says what that means for the deletions of its user. */
async function end(world: UserStateWorld, job: Job, deletions: Partial<Settlement['deletions']>) {
  const user = await world.take(job);
  const settlement = {
    ...world.settlementOf(job),
    deletions: { clientId: 'c-1', instance: 'default', is: 'other' as const, ...deletions },
  };
  expect(await user.settle(settlement, live(user))).toBe('ok');
}

/** What is decided over a deletion right before it is sent. */
async function authorize(world: UserStateWorld, job: Job, clientId = 'c-1') {
  const { lock } = await world.take(job, { clientId });
  return guardOf(world).authorizeDelete(world.runOf(job), lock, 'default', { clientId }, 'sends');
}

/** The pending deletion, which is due by now. */
async function fetchDue(world: UserStateWorld): Promise<Job> {
  for (const job of await world.jobs.getDelayed()) await job.promote();
  return world.fetch();
}

describe('a settled job', () => {
  it('as a sign-up voids a deletion that was requested before', async () => {
    const world = await createUserStateWorld();
    await createDeletions(world).schedule({ clientId: 'c-1' }, TOMORROW);
    await end(world, await world.start('create-user', LATER), { is: 'sign-up' });
    expect(await authorize(world, await fetchDue(world))).toBe('returned');
  });

  it('as a sign-up voids a deletion also where Redis has lost the secret of its names', async () => {
    const world = await createUserStateWorld();
    await end(world, await world.start('create-user'), { is: 'sign-up' });
    await world.redis.del(saltKeyOf(world.prefix));
    await createDeletions(world).schedule({ clientId: 'c-1' }, TOMORROW);
    await end(world, await world.start('create-user', LATER), { is: 'sign-up' });
    expect(await authorize(world, await fetchDue(world))).toBe('returned');
  });

  it('as a rename has cancelled deletions stay cancelled under the new clientId', async () => {
    const world = await createUserStateWorld();
    await createDeletions(world).cancel({ clientId: 'c-1' });
    await end(world, await world.start(), { is: 'renamed', also: { clientId: 'new' } });
    const deletion = await world.start('delete-user', { timestamp: 1000 });
    expect(await authorize(world, deletion, 'new')).toBe('cancelled');
  });

  it.each([
    { is: 'done', isThen: 'released', cancellation: 'done' },
    { is: 'failed', isThen: 'open', cancellation: 'too-late' },
    { is: 'other', isThen: 'released', cancellation: 'too-late' },
  ] as const)('as a deletion that is $is is known by that', async ({ is, isThen, cancellation }) => {
    const world = await createUserStateWorld();
    await createDeletions(world).schedule({ clientId: 'c-1' }, Date.now() - 1000);
    const deletion = await world.fetch();
    expect(await authorize(world, deletion)).toBe('go');
    await end(world, deletion, { is });
    const checked = await guardOf(world).check(world.runOf(deletion), 'default', { clientId: 'c-1' });
    expect(checked.is).toBe(isThen);
    expect(await createDeletions(world).cancel({ clientId: 'c-1' })).toBe(cancellation);
  });

  it('keeps the tokens of a new user until the user is deleted', async () => {
    const world = await createUserStateWorld();
    const settle = async (outcome: Settled) => {
      const job = await world.start();
      const user = await world.take(job);
      await user.settle(world.settlementOf(job, outcome), live(user));
      return world.redis.get(userTokensKey(world.prefix, userId));
    };
    expect(await settle(CREATED)).toContain('token');
    expect(await world.shortestTtl('tokens:*')).toBeGreaterThan(0);
    expect(await settle(DELETED)).toBeNull();
  });

  it('has an outcome that Redis forgets, also where no run ever asks for it', async () => {
    const world = await createUserStateWorld();
    const job = await world.start();
    const user = await world.take(job);
    await user.onlySettle(world.settlementOf(job), live(user));
    expect(await world.shortestTtl('settled:*')).toBeGreaterThan(0);
  });

  it('names its user by an id that another record has without a look-up, and leaves that record', async () => {
    const world = await createUserStateWorld();
    const byId = await world.start();
    const known = await world.take(byId, { userId });
    const record = { ...live(known).record, fields: { phone: '9 0 9' as const } };
    await known.settle(world.settlementOf(byId), { record });
    const job = await world.start();
    const user = await world.take(job);
    await user.settle(world.settlementOf(job), live(user));
    expect((await world.take(await world.start(), { userId })).record.fields).toEqual(record.fields);
  });
});

describe('a user', () => {
  it('is kept for as long as it is suspended, under each of its names', async () => {
    const world = await createUserStateWorld();
    const settle = async (suspendedBy?: string) => {
      const job = await world.start();
      const user = await world.take(job);
      const { record } = live(user);
      await user.settle(world.settlementOf(job), { record: { ...record, suspendedBy } });
      return world.shortestTtl('user:*');
    };
    expect(await settle()).toBeLessThanOrEqual(MONTH_S);
    expect(await settle('a request')).toBeGreaterThan(12 * MONTH_S);
    expect(await settle()).toBeLessThanOrEqual(MONTH_S);
  });

  it('has an open job that goes on later, and why, until that is settled', async () => {
    const world = await createUserStateWorld();
    const job = await world.start();
    const why = { status: 'retry', reason: 'unavailable' } as const;
    const user = await world.take(job);
    await user.unlock({ record: user.record }, why);
    expect((await world.story())?.open).toEqual([{ jobId: job.id, is: 'retry', reason: 'unavailable' }]);
    job.attemptsStarted++;
    const again = await world.take(job);
    await again.settle(world.settlementOf(job), live(again));
    expect((await world.story())?.open).toEqual([]);
  });
});
