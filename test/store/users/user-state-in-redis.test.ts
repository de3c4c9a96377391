import { inject, describe, expect, it, onTestFinished } from 'vitest';
import { startTcpProxy } from '../../support/tcp-proxy.ts';
import { type UserStateWorld, createUserStateWorld, live, userId } from './user-state-world.ts';

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
