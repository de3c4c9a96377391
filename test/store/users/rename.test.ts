import { describe, expect, it } from 'vitest';
import type { UserRecord } from '../../../src/operations/context.ts';
import { hashIdFor } from '../../../src/store/users/user-hash.ts';
import { type UserStateWorld, createUserStateWorld, instance, live, userId } from './user-state-world.ts';

const OLD = { clientId: 'old' };
const NEW = { clientId: 'new' };
const BY_ID = { userId };
const otherId = userId.replace('9', '8');
const IS_GIVEN_UP = { state: 'deleted', formerUserId: userId };
const elsewhere = { ...instance, id: '33333333-3333-4333-8333-333333333333' };

/** Its record is under the clientId, or under its own id. */
const KNOWN_BY = [
  { by: 'its clientId', address: OLD },
  { by: 'its id', address: BY_ID },
] as const;

describe.each(KNOWN_BY)('a user that is known by $by, and gets another clientId', ({ address }) => {
  const rename = (world: UserStateWorld, record?: Partial<UserRecord>) =>
    world.settle(address, { clientId: 'old', renamedTo: 'new', record: record ?? {} });

  it('is found by that and by its id, as one user, for as long as a record is kept', async () => {
    const world = await createUserStateWorld();
    await rename(world);
    expect(await world.shortestTtl('user:*')).toBeGreaterThan(0);
    await world.take(await world.start(), NEW);
    expect(await world.begin(await world.start(), BY_ID)).toEqual({ is: 'blocked' });
    const left = await world.recordOf(OLD);
    expect(left).toMatchObject(IS_GIVEN_UP);
    expect([left.userId, typeof left.givenUpAt]).toEqual([undefined, 'number']);
  });

  it('is found by its id alone where another user has the clientId on record', async () => {
    const world = await createUserStateWorld();
    await world.settle(NEW, { record: { userId: otherId } });
    await rename(world);
    expect(await world.recordOf(BY_ID)).toMatchObject({ state: 'live', userId });
    expect(await world.recordOf(NEW)).toMatchObject({ state: 'live', userId: otherId });
    expect(await world.recordOf(OLD)).toMatchObject(IS_GIVEN_UP);
  });

  it('takes it from a user that was deleted, and counts on from there', async () => {
    const world = await createUserStateWorld();
    const deleted = { userId: otherId, state: 'deleted', generation: 3 } as const;
    await world.settle(NEW, { record: deleted });
    await rename(world, { generation: 1 });
    expect(await world.recordOf(NEW)).toMatchObject({ userId, state: 'live', generation: 3 });
    expect(await world.recordOf(OLD)).toMatchObject({ generation: 1 });
  });

  it('leaves it to a job that has locked it', async () => {
    const world = await createUserStateWorld();
    const job = await world.start('create-user');
    const user = await world.take(job, NEW);
    await rename(world);
    const known = { ...live(user).record, userId: otherId };
    expect(await user.settle(world.settlementOf(job), { record: known })).toBe('ok');
    expect(await world.recordOf(BY_ID)).toMatchObject({ userId });
  });

  it('leaves nothing but the way to the user under the other name', async () => {
    const world = await createUserStateWorld();
    await world.settle(NEW, { record: { userId: undefined, generation: 3 } });
    await rename(world);
    const [other, id] = address === OLD ? (['user', userId] as const) : (['client', 'new'] as const);
    const key = `${world.prefix}:user:${hashIdFor(instance)(other, id)}`;
    expect(await world.redis.hkeys(key)).toEqual(['leadsTo']);
  });

  it('is kept under both names for as long as it is suspended', async () => {
    const world = await createUserStateWorld();
    await world.settle(address, { record: { suspendedBy: 'a request' } });
    await rename(world, { suspendedBy: 'a request' });
    const hashId = hashIdFor(instance);
    for (const name of [hashId('user', userId), hashId('client', 'new')])
      expect(await world.shortestTtl(`user:${name}`)).toBeGreaterThan(365 * 86_400);
  });

  it('takes it from a run that was cut off', async () => {
    const world = await createUserStateWorld();
    const dead = await world.start('create-user');
    await world.take(dead, NEW);
    await world.loseLock(dead);
    await rename(world);
    expect(await world.recordOf(NEW)).toMatchObject({ userId, state: 'live' });
  });

  it('takes along the jobs that failed or wait under it', async () => {
    const world = await createUserStateWorld();
    const waits = await world.start();
    const user = await world.take(waits, NEW);
    await user.unlock({ record: user.record }, { status: 'retry' });
    await rename(world);
    expect(await world.story(NEW)).toMatchObject({ open: [{ jobId: waits.id, is: 'retry' }] });
  });
});

describe('the clientId that a user has given up', () => {
  const renameById = (world: UserStateWorld, generation = 0) =>
    world.settle(BY_ID, { clientId: 'old', renamedTo: 'new', record: { generation } });

  it('led to the user, and leads to none', async () => {
    const world = await createUserStateWorld();
    await world.settle(BY_ID, { clientId: 'old' });
    expect(await world.recordOf(OLD)).toMatchObject({ userId });
    await renameById(world);
    const left = await world.recordOf(OLD);
    expect(left).toMatchObject(IS_GIVEN_UP);
    expect(left.userId).toBeUndefined();
    expect(await world.recordOf(BY_ID)).toMatchObject({ userId, state: 'live' });
  });

  it('stays another user’s, as it was on record', async () => {
    const world = await createUserStateWorld();
    await world.settle(OLD, { record: { userId: otherId } });
    await renameById(world);
    expect(await world.recordOf(OLD)).toMatchObject({ userId: otherId, state: 'live' });
  });

  it('stays the job’s that has locked it', async () => {
    const world = await createUserStateWorld();
    await world.take(await world.start('create-user'), OLD);
    await renameById(world);
    expect((await world.story(OLD))?.record.formerUserId).toBeUndefined();
  });

  it('stays in doubt where a run that was cut off may have made another user', async () => {
    const world = await createUserStateWorld();
    const dead = await world.start('create-user');
    await world.take(dead, OLD);
    await world.loseLock(dead);
    await renameById(world);
    expect(await world.recordOf(OLD)).toMatchObject({ ...IS_GIVEN_UP, isInDoubt: true });
  });

  it.each([
    { before: 4, generation: 1, after: 4 },
    { before: 1, generation: 4, after: 4 },
    { before: 0, generation: 2, after: 2 },
  ])('counts on from the later of $before and $generation', async ({ before, generation, after }) => {
    const world = await createUserStateWorld();
    await world.settle(OLD, { record: { userId: undefined, state: 'unknown', generation: before } });
    await renameById(world, generation);
    expect(await world.recordOf(OLD)).toMatchObject({ ...IS_GIVEN_UP, generation: after });
  });
});

describe('a clientId whose user was moved', () => {
  it('means that user to older jobs, also after its next user has got another clientId', async () => {
    const world = await createUserStateWorld();
    const move = { clientId: 'old', movedTo: elsewhere };
    await world.settle(BY_ID, move);
    expect(await world.recordOf(OLD, { timestamp: 1000 })).toMatchObject({ userId });
    await world.settle(OLD, { record: { userId: otherId } });
    await world.settle(OLD, { record: { userId: otherId }, renamedTo: 'new' });
    expect(await world.recordOf(OLD, { timestamp: 1000 })).toMatchObject({ userId });
    expect(await world.recordOf(OLD)).toMatchObject({ state: 'deleted', formerUserId: otherId });
    expect(await world.recordOf(NEW, { timestamp: 1000 })).toMatchObject({ userId: otherId });
  });

  it('means that user to older jobs, also after another user has got it', async () => {
    const world = await createUserStateWorld();
    await world.settle(BY_ID, { clientId: 'new', movedTo: elsewhere });
    await world.settle(OLD, { record: { userId: otherId }, renamedTo: 'new' });
    expect(await world.recordOf(NEW)).toMatchObject({ userId: otherId });
    expect(await world.recordOf(NEW, { timestamp: 1000 })).toMatchObject({ userId });
  });
});
