import { describe, expect, it } from 'vitest';
import type { Address } from '../../../src/lifecycle/ports/user-state.ts';
import { EMPTY, CIRCUITS, createUserStateWorld, instance, live, userId } from './user-state-world.ts';

describe('a user', () => {
  it('nobody has told of is taken with an empty record', async () => {
    const world = await createUserStateWorld();
    expect((await world.take(await world.start())).record).toMatchObject(EMPTY);
  });

  it('is known again as it was settled', async () => {
    const world = await createUserStateWorld();
    const first = await world.start('create-user');
    const user = await world.take(first);
    const record = {
      userId,
      generation: 3,
      state: 'live' as const,
      isInDoubt: false,
      lastSeenAt: 1_700_000_000_000,
      created: '1700000000000 0 1' as const,
      deleted: '1600000000000 0 my job' as const,
      fields: { phone: '1700000000000 0 1' as const, clientId: '5 0 2' as const },
    };
    expect(await user.settle(world.settlementOf(first), { record })).toBe('ok');
    expect((await world.take(await world.start())).record).toEqual(record);
  });

  it('is the same one by clientId and by userId once both are known', async () => {
    const world = await createUserStateWorld();
    const first = await world.start('create-user');
    const user = await world.take(first);
    await user.settle(world.settlementOf(first), live(user));
    for (const address of [{ userId }, { clientId: 'c-1' }, { clientId: 'c-1', userId }]) {
      const job = await world.start();
      const again = await world.take(job, address);
      expect(again.record).toMatchObject({ userId, state: 'live' });
      await again.unlock({ record: again.record });
    }
  });

  it('is another one in another instance by its clientId, and the same one by its userId', async () => {
    const world = await createUserStateWorld();
    const begin = async (address: Address) => {
      const job = await world.start();
      const { timestamp } = job;
      const another = { ...instance, id: 'another', secret: 'another secret' };
      const asked = { name: 'update-user', version: '1 0 2', timestamp } as const;
      return world.userState.begin(world.runOf(job), asked, another, address, CIRCUITS);
    };
    const first = await world.start();
    const user = await world.take(first);
    await user.settle(world.settlementOf(first), live(user));
    await world.take(await world.start());
    expect((await begin({ clientId: 'c-1' })).is).toBe('locked');
    expect((await begin({ userId })).is).toBe('blocked');
  });

  it('remembered under one clientId is never mixed up with a sign-up under another one', async () => {
    const world = await createUserStateWorld();
    const first = await world.start();
    const user = await world.take(first);
    await user.settle(world.settlementOf(first), live(user));
    const signUp = await world.start('create-user');
    const other = await world.take(signUp, { clientId: 'c-2' });
    expect(other.isOfAnotherName).toBe(false);
    const locked = await other.lockAlso(userId);
    expect(locked).toMatchObject({
      is: 'locked',
      user: { isOfAnotherName: true, record: { state: 'live' } },
    });
    for (const clientId of ['c-1', 'c-2'])
      expect(await world.begin(await world.start(), { clientId })).toEqual({ is: 'blocked' });
    if (locked.is === 'locked')
      await locked.user.settle(world.settlementOf(signUp), { record: locked.user.record });
    const next = await world.take(await world.start('create-user'), { clientId: 'c-2' });
    expect(next.record).toEqual(EMPTY);
  });

  it('remembered under one clientId is moved by a sign-up that has seen it under another one', async () => {
    const world = await createUserStateWorld();
    const first = await world.start();
    const user = await world.take(first);
    await user.settle(world.settlementOf(first), live(user));
    const signUp = await world.start('create-user');
    const locked = await (await world.take(signUp, { clientId: 'c-2' })).lockAlso(userId);
    if (locked.is !== 'locked') throw new Error(locked.is);
    await locked.user.settle(world.settlementOf(signUp), { ...live(locked.user), renamedTo: 'c-2' });
    const { record } = await world.take(await world.start(), { clientId: 'c-2' });
    expect(record).toMatchObject({ userId, state: 'live', isInDoubt: false });
    const left = await world.take(await world.start(), { clientId: 'c-1' });
    expect(left.record).toMatchObject({ state: 'deleted', formerUserId: userId });
  });

  it('of another clientId leaves the doubt of the sign-up’s own one as it was', async () => {
    const world = await createUserStateWorld();
    const first = await world.start();
    const user = await world.take(first);
    await user.settle(world.settlementOf(first), live(user));
    const dead = await world.start('create-user');
    await world.take(dead, { clientId: 'c-2' });
    await world.loseLock(dead);
    const signUp = await world.start('create-user');
    const own = await world.take(signUp, { clientId: 'c-2' });
    const { isInDoubt, doubtSince, doubtAbout } = own.record;
    expect(isInDoubt).toBe(true);
    await own.lockAlso(userId);
    // The reply was lost and the call is made again.
    const locked = await own.lockAlso(userId);
    if (locked.is === 'locked')
      await locked.user.settle(world.settlementOf(signUp), { record: locked.user.record });
    const { record } = await world.take(await world.start(), { clientId: 'c-2' });
    expect(record).toMatchObject({ isInDoubt: true, doubtSince, doubtAbout });
  });

  it('that a look-up has shown is known to be there also where the run is cut off', async () => {
    const world = await createUserStateWorld();
    const dead = await world.start();
    await (await world.take(dead)).lockAlso(userId);
    await world.loseLock(dead);
    const { record } = await world.take(await world.start('create-user'));
    expect(record).toMatchObject({ userId, state: 'unknown' });
  });

  it('named by a userId of another one is not mixed up with the client', async () => {
    const world = await createUserStateWorld();
    const first = await world.start('create-user');
    const user = await world.take(first);
    await user.settle(world.settlementOf(first), live(user));
    const other = await world.take(await world.start(), {
      clientId: 'c-1',
      userId: userId.replace('9', '8'),
    });
    expect(other.record).toMatchObject({ state: 'unknown' });
  });

  it('found behind a clientId later has one record from then on, and one line', async () => {
    const world = await createUserStateWorld();
    const byId = await world.start();
    const known = await world.take(byId, { userId });
    await known.settle(world.settlementOf(byId), {
      record: { ...known.record, userId, state: 'live', fields: { phone: '9 0 9' } },
    });
    const job = await world.start();
    const client = await world.take(job);
    const locked = await client.lockAlso(userId);
    expect(locked).toMatchObject({ is: 'locked', user: { record: { fields: { phone: '9 0 9' } } } });
    expect(await world.begin(await world.start(), { userId })).toEqual({ is: 'blocked' });
    expect(await world.begin(await world.start(), { clientId: 'c-1' })).toEqual({ is: 'blocked' });
  });

  it('found behind a clientId while another job has it parks the job, and lets the client go', async () => {
    const world = await createUserStateWorld();
    await world.take(await world.start(), { userId });
    const job = await world.start();
    const client = await world.take(job);
    expect(await client.lockAlso(userId)).toEqual({ is: 'blocked' });
    expect(await job.getState()).toBe('delayed');
    expect((await world.begin(await world.start(), { clientId: 'c-1' })).is).toBe('locked');
  });

  it('that is let go by a job that is parked is kept for the next one, and not for ever', async () => {
    const world = await createUserStateWorld();
    await world.take(await world.start(), { userId });
    const client = await world.take(await world.start());
    await world.begin(await world.start());
    expect(await client.lockAlso(userId)).toEqual({ is: 'blocked' });
    const records = (await world.redis.keys(`${world.prefix}:user:*`)).filter(
      (key) => !key.endsWith(':blocked'),
    );
    expect(records).toHaveLength(2);
    for (const key of records) expect(await world.redis.ttl(key)).toBeGreaterThan(0);
    // The clientId's is the next one's, who waits for it; the user's is still the first one's.
    const [woken] = await world.jobs.getJobs(['wait']);
    expect(await world.begin(await world.fetch())).toMatchObject({ is: 'locked' });
    expect(woken).toBeDefined();
    expect(await world.begin(await world.start(), { userId })).toEqual({ is: 'blocked' });
  });

  it('that is renamed is found under the new clientId, and the old one is free for its next user', async () => {
    const world = await createUserStateWorld();
    const first = await world.start();
    const user = await world.take(first, { clientId: 'old' });
    await user.settle(world.settlementOf(first), { ...live(user), renamedTo: 'new' });
    const renamed = await world.take(await world.start(), { clientId: 'new' });
    expect(renamed.record).toMatchObject({ userId, state: 'live' });
    expect(await world.begin(await world.start(), { userId })).toEqual({ is: 'blocked' });
    const next = await world.take(await world.start(), { clientId: 'old' });
    expect(next.record).toMatchObject({ state: 'deleted', generation: 0 });
    expect(next.record.userId).toBeUndefined();
  });

  it('that is moved leaves its clientId there, even if only its id was known, and since when', async () => {
    const world = await createUserStateWorld();
    const job = await world.start('move-user');
    const user = await world.take(job, { userId });
    const before = Date.now();
    const movedTo = { ...instance, id: '33333333-3333-4333-8333-333333333333' };
    await user.settle(world.settlementOf(job), { ...live(user), clientId: 'c-1', movedTo });
    const { record } = await world.take(await world.start('create-user'), { clientId: 'c-1' });
    expect(record).toMatchObject({ state: 'deleted', formerUserId: userId });
    expect(record.givenUpAt).toBeGreaterThan(before - 1000);
  });

  it('that is to get a clientId keeps it from sign-ups for as long again with each run', async () => {
    const world = await createUserStateWorld();
    const since: (number | undefined)[] = [];
    for (const job of [await world.start('move-user'), await world.start('move-user')]) {
      const user = await world.take(job);
      const name = await user.lockClientId('c-2', instance);
      since.push(name.is === 'locked' ? name.record.givenSince : undefined);
      await world.loseLock(job);
      const takenBefore = Date.now();
      await expect.poll(() => Date.now(), { interval: 1 }).toBeGreaterThan(takenBefore);
    }
    expect(since[1]).toBeGreaterThan(since[0] ?? Infinity);
  });

  it('that a run may have moved is known to be, since the latest such run', async () => {
    const world = await createUserStateWorld();
    const moves = [await world.start('move-user'), await world.start('move-user')];
    const since: (number | undefined)[] = [];
    for (const job of moves) {
      since.push((await world.take(job)).record.movingSince);
      await world.loseLock(job);
      const takenBefore = Date.now();
      await expect.poll(() => Date.now(), { interval: 1 }).toBeGreaterThan(takenBefore);
    }
    since.push((await world.take(await world.start())).record.movingSince);
    expect(since[0]).toBeUndefined();
    expect(since[1]).toBeTypeOf('number');
    expect(since[2]).toBeGreaterThan(since[1] ?? Infinity);
  });

  it('that has given up a clientId is taken by an older deletion, and the clientId is let go as it was', async () => {
    const world = await createUserStateWorld();
    const renaming = await world.start();
    const user = await world.take(renaming, { clientId: 'old' });
    await user.settle(world.settlementOf(renaming), { ...live(user), renamedTo: 'new' });
    const deletion = await world.start('delete-user');
    const clientId = await world.take(deletion, { clientId: 'old' });
    expect(clientId.record.formerUserId).toBe(userId);
    expect(await clientId.lockAlso(userId)).toMatchObject({
      is: 'locked',
      user: { record: { state: 'live' } },
    });
    expect(await world.begin(await world.start(), { clientId: 'new' })).toEqual({ is: 'blocked' });
    const { record } = await world.take(await world.start(), { clientId: 'old' });
    expect(record).toMatchObject({ state: 'deleted', formerUserId: userId, deletingSince: undefined });
  });

  it('whose deletion was cut off before it was authorized is not held up by it', async () => {
    const world = await createUserStateWorld();
    const dead = await world.start('delete-user');
    await world.take(dead, { clientId: 'c' });
    await world.loseLock(dead);
    const { record } = await world.take(await world.start(), { clientId: 'c' });
    expect(record.deletingSince).toBeUndefined();
  });

  it('whose deletion was authorized, and ended since, has nothing open', async () => {
    const world = await createUserStateWorld();
    const job = await world.start('delete-user');
    const user = await world.take(job, { clientId: 'c' });
    const { key, value } = user.lock;
    // As the authorization writes it.
    const { redis } = world;
    await redis.hset(key, 'deletingSince', `${Date.now()} ${value}`);
    await user.unlock({ record: user.record });
    expect(await redis.hexists(key, 'deletingSince')).toBe(0);
  });
});

describe('a create', () => {
  it('that was begun and not settled leaves doubt to the next run, and only to that', async () => {
    const world = await createUserStateWorld();
    const dead = await world.start('create-user');
    expect((await world.take(dead)).record.isInDoubt).toBe(false);
    // The reply was lost and the call is made again.
    expect((await world.take(dead)).record.isInDoubt).toBe(false);
    await world.loseLock(dead);
    const next = await world.start('create-user');
    const user = await world.take(next);
    expect(user.record).toMatchObject({ isInDoubt: true, doubtAbout: ['derived:0'] });
    await user.settle(world.settlementOf(next), live(user));
    expect((await world.take(await world.start('create-user'))).record.isInDoubt).toBe(false);
  });

  it('of a user who is renamed since leaves doubt under the old clientId alone', async () => {
    const world = await createUserStateWorld();
    const dead = await world.start('create-user');
    await world.take(dead, { clientId: 'old' });
    await world.loseLock(dead);
    const rename = await world.start();
    const user = await world.take(rename, { clientId: 'old' });
    const record = { ...user.record, userId, state: 'live' as const };
    await user.settle(world.settlementOf(rename), { record, renamedTo: 'new' });
    const renamed = await world.take(await world.start(), { clientId: 'new' });
    expect(renamed.record).toMatchObject({ userId, isInDoubt: false });
    const next = await world.take(await world.start('create-user'), { clientId: 'old' });
    expect(next.record).toMatchObject({ isInDoubt: true, doubtAbout: ['derived:0'] });
  });

  it('that certainly was not sent leaves none', async () => {
    const world = await createUserStateWorld();
    const user = await world.take(await world.start('create-user'));
    await user.unlock({ record: user.record });
    expect((await world.take(await world.start('create-user'))).record.isInDoubt).toBe(false);
  });

  it('is in one line with jobs that name the userId it is going to have', async () => {
    const world = await createUserStateWorld();
    await world.take(await world.start('create-user'), { clientId: 'c-1', userId, userIdIs: 'derived' });
    expect(await world.begin(await world.start(), { userId })).toEqual({ is: 'blocked' });
  });
});
