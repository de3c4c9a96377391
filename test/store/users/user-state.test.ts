import { inject, describe, expect, it, onTestFinished } from 'vitest';
import type { Address } from '../../../src/lifecycle/ports/user-state.ts';
import { startTcpProxy } from '../../support/tcp-proxy.ts';
import {
  EMPTY,
  CIRCUITS,
  type UserStateWorld,
  UPDATED,
  createUserStateWorld,
  instance,
  live,
  userId,
} from './user-state-world.ts';

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
      const name = await user.lockName('c-2', instance);
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

describe('a user who is busy', () => {
  it('puts a job aside with no attempt spent', async () => {
    const world = await createUserStateWorld();
    await world.take(await world.start());
    const job = await world.start();
    expect(await world.begin(job)).toEqual({ is: 'blocked' });
    expect(await job.getState()).toBe('delayed');
    expect(await world.jobs.getJob(job.id ?? '')).toMatchObject({ attemptsMade: 0 });
  });

  it('is kept by a job that comes again, and by no other', async () => {
    const world = await createUserStateWorld();
    const job = await world.start();
    await world.take(job);
    expect((await world.begin(job)).is).toBe('locked');
  });

  it.each(['settled', 'let go'] as const)(
    'wakes the oldest job by version when it is %s, and is kept for it',
    async (how) => {
      const world = await createUserStateWorld();
      const first = await world.start();
      const user = await world.take(first);
      for (const timestamp of [3000, 1000, 2000]) {
        await world.begin(await world.start('update-user', { timestamp }));
      }
      if (how === 'settled') await user.settle(world.settlementOf(first), live(user));
      else await user.unlock({ record: user.record });
      const woken = await world.fetch();
      expect(woken.timestamp).toBe(1000);
      // A job that arrives in between waits, although no run works on the user.
      expect(await world.begin(await world.start())).toEqual({ is: 'blocked' });
      expect((await world.begin(woken)).is).toBe('locked');
    },
  );

  it('wakes jobs of the same moment in the order in which they were added', async () => {
    const world = await createUserStateWorld();
    const first = await world.start();
    let user = await world.take(first);
    const waiting = [];
    for (let n = 0; n < 12; n += 1) waiting.push(await world.start('update-user', { timestamp: 1000 }));
    for (const job of waiting.toReversed()) await world.begin(job);
    const woken = [];
    while (woken.length < waiting.length) {
      await user.unlock({ record: user.record });
      const job = await world.fetch();
      woken.push(job.id);
      user = await world.take(job);
    }
    expect(woken).toEqual(waiting.map(({ id }) => id));
  });

  it('passes over a waiting job that was removed', async () => {
    const world = await createUserStateWorld();
    const user = await world.take(await world.start());
    const gone = await world.start('update-user', { timestamp: 1000 });
    await world.begin(gone);
    await world.begin(await world.start('update-user', { timestamp: 2000 }));
    await world.jobs.remove(gone.id ?? '');
    await user.unlock({ record: user.record });
    expect((await world.fetch()).timestamp).toBe(2000);
  });

  it('is taken over once the lock of its job is gone, and what the old run says then counts for nothing', async () => {
    const world = await createUserStateWorld();
    const dead = await world.start('create-user');
    const stale = await world.take(dead);
    await world.loseLock(dead);
    const next = await world.start();
    const user = await world.take(next);
    expect(await stale.settle(world.settlementOf(dead), live(stale))).toBe('lost');
    expect(await stale.unlock({ record: stale.record })).toBe('lost');
    expect(await world.eventIds()).toEqual([[]]);
    expect(await user.settle(world.settlementOf(next), live(user))).toBe('ok');
  });

  it('is not woken in the place of a job that was removed, by another that bears its id now', async () => {
    const world = await createUserStateWorld();
    const first = await world.start();
    const user = await world.take(first);
    const parked = await world.start('delete-user', { jobId: 'close-1' });
    expect(await world.begin(parked)).toEqual({ is: 'blocked' });
    await world.jobs.remove('close-1');
    await world.add('delete-user', { jobId: 'close-1', delay: 86_400_000 });
    await user.settle(world.settlementOf(first, UPDATED), { record: user.record });
    expect(await (await world.jobs.getJob('close-1'))?.getState()).toBe('delayed');
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
    expect(user.record.isInDoubt).toBe(true);
    await user.settle(world.settlementOf(next), live(user));
    expect((await world.take(await world.start('create-user'))).record.isInDoubt).toBe(false);
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

describe('a Redis', () => {
  async function lossy() {
    const proxy = await startTcpProxy(inject('redisUrl'));
    onTestFinished(() => proxy.close());
    const world = await createUserStateWorld({ redisUrl: proxy.url });
    // The scripts are known by then: what is sent again is small enough to be caught.
    const warm = await world.start();
    const user = await world.take(warm, { clientId: 'warm' });
    await user.settle(world.settlementOf(warm), { record: user.record });
    return { proxy, world };
  }
  const eventsOf = async (world: UserStateWorld) => (await world.eventIds())[0]?.slice(1);

  it('whose reply to begin was lost is asked again, with the same answer', async () => {
    const { proxy, world } = await lossy();
    const job = await world.start('create-user');
    const isLost = proxy.dropReplies(1, 'create-user');
    expect((await world.take(job)).record).toMatchObject({ isInDoubt: false });
    await isLost;
  });

  it('whose reply to a parked job was lost leaves the job parked', async () => {
    const { proxy, world } = await lossy();
    const user = await world.take(await world.start());
    const job = await world.start('delete-user');
    const isLost = proxy.dropReplies(1, 'delete-user');
    expect(await world.begin(job)).toEqual({ is: 'blocked' });
    await isLost;
    expect(await job.getState()).toBe('delayed');
    await user.unlock({ record: user.record });
    expect((await world.fetch()).id).toBe(job.id);
  });

  it('whose reply to settle was lost has published once', async () => {
    const { proxy, world } = await lossy();
    const job = await world.start();
    const user = await world.take(job);
    const isLost = proxy.dropReplies(1, 'user.updated');
    expect(await user.settle(world.settlementOf(job), live(user))).toBe('ok');
    await isLost;
    expect(await eventsOf(world)).toEqual([`${job.id}/${job.timestamp}/user.updated`]);
  });

  it('whose reply to letting go was lost has let go', async () => {
    const { proxy, world } = await lossy();
    const job = await world.start();
    const user = await world.take(job);
    const isLost = proxy.dropReplies(1, `"set"`);
    expect(await user.unlock(live(user))).toBe('ok');
    await isLost;
    expect((await world.take(await world.start())).record).toMatchObject({ userId });
  });

  it('that has forgotten the scripts is told them again', async () => {
    const { world } = await lossy();
    const job = await world.start();
    await world.redis.script('FLUSH');
    const user = await world.take(job);
    await world.redis.script('FLUSH');
    expect(await user.settle(world.settlementOf(job), live(user))).toBe('ok');
    expect(await eventsOf(world)).toHaveLength(1);
  });
});

describe('what lies in Redis', () => {
  it('names nobody: no clientId, no profile, no token in any key or value of the userState', async () => {
    const world = await createUserStateWorld();
    const clientId = 'ada@example.com';
    const job = await world.start('create-user');
    const user = await world.take(job, { clientId });
    await world.begin(await world.start(), { clientId });
    const outcome = {
      status: 'done',
      type: 'user.created',
      userId,
      existed: false,
      accessToken: 'a-token',
      refreshToken: 'r-token',
    } as const;
    const settlement = world.settlementOf(job, outcome);
    expect(settlement.event.data).toMatchObject({ accessToken: 'a-token' });
    await user.settle(settlement, { ...live(user), renamedTo: 'bob@example.com' });
    const all: string[] = [];
    for (const key of await world.redis.keys(`${world.prefix}:*`)) {
      all.push(key);
      if (!key.startsWith(`${world.prefix}:user:`) && !key.startsWith(`${world.prefix}:settled:`)) continue;
      const type = await world.redis.type(key);
      if (type === 'hash') all.push(JSON.stringify(await world.redis.hgetall(key)));
      if (type === 'zset') all.push(...(await world.redis.zrange(key, '0', '-1')));
      if (type === 'string') all.push((await world.redis.get(key)) ?? '');
      expect(await world.redis.ttl(key)).toBeGreaterThan(0);
    }
    const text = all.join('\n');
    expect(text).toContain(userId);
    for (const mark of ['example.com', 'a-token', 'r-token']) expect(text).not.toContain(mark);
  });

  it('lies in one slot, by the hash tag of the prefix', async () => {
    // In a database of its own, so that a key of any name is seen.
    const world = await createUserStateWorld({ database: 9 });
    const job = await world.start('create-user');
    const user = await world.take(job);
    await world.begin(await world.start());
    await user.settle(world.settlementOf(job), live(user));
    const keys = await world.redis.keys('*');
    expect(keys.length).toBeGreaterThan(5);
    expect(keys.filter((key) => !key.startsWith(`${world.prefix}:`))).toEqual([]);
  });
});
