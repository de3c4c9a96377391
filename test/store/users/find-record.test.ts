import { describe, expect, it } from 'vitest';
import { failed } from '../../../src/contract/outcome.ts';
import type { UserRecord } from '../../../src/operations/context.ts';
import { hashIdFor } from '../../../src/store/users/user-hash.ts';
import { waiting } from '../circuits/circuits-world.ts';
import { type UserStateWorld, createUserStateWorld, instance, userId } from './user-state-world.ts';

const BY_CLIENT = { clientId: 'c-1' };
const BY_ID = { userId };
const BY_BOTH = { clientId: 'c-1', userId };
const DERIVED = { ...BY_BOTH, userIdIs: 'derived' } as const;
const otherId = userId.replace('9', '8');
/** A record of which only the clientId is known. */
const UNSEEN = { userId: undefined, state: 'unknown' } as const;

const keyOf = (world: UserStateWorld, kind: 'client' | 'user', id: string) =>
  `${world.prefix}:user:${hashIdFor(instance)(kind, id)}`;

/** A job by the clientId whose look-up shows the user. */
async function find(world: UserStateWorld) {
  const job = await world.start();
  const found = await (await world.take(job)).lockAlso(userId);
  if (found.is !== 'locked') throw new Error(found.is);
  return { job, user: found.user };
}

describe('a job that names a user by both ids', () => {
  it('means the user of that id, whoever has the clientId', async () => {
    const world = await createUserStateWorld();
    await world.settle(BY_ID, { record: { generation: 5 } });
    await world.settle(BY_CLIENT, { record: { userId: otherId } });
    expect(await world.recordOf(BY_BOTH)).toMatchObject({ userId, generation: 5 });
  });

  it('means the user of the clientId if that is recorded with this id, which leads nowhere any more', async () => {
    const world = await createUserStateWorld();
    await world.settle(BY_CLIENT, { record: { generation: 5 } });
    await world.redis.del(keyOf(world, 'user', userId));
    expect(await world.recordOf(BY_BOTH)).toMatchObject({ userId, generation: 5 });
    expect(await world.recordOf({ ...BY_BOTH, userId: otherId })).toMatchObject({ generation: 0 });
  });
});

describe('a job whose userId is derived', () => {
  it('means the record of that id, which others have named, while its clientId has none', async () => {
    const world = await createUserStateWorld();
    await world.settle(BY_ID, { record: { generation: 5 } });
    expect(await world.recordOf(DERIVED)).toMatchObject({ generation: 5 });
    // From then on the clientId leads there.
    expect(await world.recordOf(BY_CLIENT)).toMatchObject({ generation: 5 });
  });

  it('means the record of its clientId, if there is one', async () => {
    const world = await createUserStateWorld();
    await world.settle(BY_ID, { record: { generation: 5 } });
    await world.settle(BY_CLIENT, { record: { ...UNSEEN, generation: 1 } });
    expect(await world.recordOf(DERIVED)).toMatchObject({ state: 'unknown', generation: 1 });
  });

  it('does not mean the user of another clientId, to whom that id leads', async () => {
    const world = await createUserStateWorld();
    await world.settle({ clientId: 'c-2' });
    expect((await world.recordOf(DERIVED)).userId).toBeUndefined();
  });
});

describe('the names of a user', () => {
  it('lead to it from the begin of a create on', async () => {
    const world = await createUserStateWorld();
    await world.take(await world.start('create-user'), DERIVED);
    expect(await world.begin(await world.start(), BY_ID)).toEqual({ is: 'blocked' });
    expect(await world.begin(await world.start(), BY_CLIENT)).toEqual({ is: 'blocked' });
  });

  it('do not lead to what another job says that no look-up has shown', async () => {
    const world = await createUserStateWorld();
    await world.take(await world.start(), BY_BOTH);
    expect((await world.begin(await world.start(), BY_CLIENT)).is).toBe('locked');
  });

  it('lead to it once a look-up has shown it, and not as its id is only derived', async () => {
    const world = await createUserStateWorld();
    await world.take(await world.start(), DERIVED);
    expect((await world.begin(await world.start(), BY_ID)).is).toBe('locked');
    const another = await createUserStateWorld();
    await find(another);
    expect(await another.begin(await another.start(), BY_ID)).toEqual({ is: 'blocked' });
  });

  it('stay as long as the record, each time that a job gives them', async () => {
    const world = await createUserStateWorld();
    await world.settle(BY_CLIENT, { clientId: 'c-1' });
    for (const key of await world.redis.keys(`${world.prefix}:user:*`)) await world.redis.expire(key, 100);
    await world.take(await world.start(), BY_BOTH);
    expect(await world.shortestTtl('user:*')).toBeGreaterThan(100);
  });

  it('of a job with one id are no empty ones', async () => {
    const world = await createUserStateWorld();
    await world.take(await world.start('create-user'), BY_CLIENT);
    expect(await world.redis.keys(`${world.prefix}:user:*`)).toEqual([keyOf(world, 'client', 'c-1')]);
  });
});

describe('a user that a look-up shows behind a clientId', () => {
  const older = '1000 0 1';
  const newer = '2000 0 2';
  const versions: readonly {
    field: string;
    of: (version: typeof older | typeof newer) => Partial<UserRecord>;
  }[] = [
    { field: 'created', of: (created) => ({ created }) },
    { field: 'deleted', of: (deleted) => ({ deleted }) },
    { field: 'moved', of: (moved) => ({ moved }) },
    { field: 'phone', of: (phone) => ({ fields: { phone } }) },
  ];

  it.each(versions)('has the newer version of $field that either name knows', async ({ of }) => {
    for (const [byId, byClient] of [
      [older, newer],
      [newer, older],
    ] as const) {
      const world = await createUserStateWorld();
      await world.settle(BY_ID, { record: of(byId) });
      await world.settle(BY_CLIENT, { record: { ...UNSEEN, ...of(byClient) } });
      const { user } = await find(world);
      expect(user.record).toMatchObject(of(newer));
    }
  });

  it('has what only the clientId knows, and else what its own id knows', async () => {
    const world = await createUserStateWorld();
    await world.settle(BY_ID, { record: { generation: 1 } });
    await world.settle(BY_CLIENT, {
      record: { ...UNSEEN, state: 'mismatched', generation: 2, created: newer },
    });
    const { user } = await find(world);
    expect(user.record).toMatchObject({ state: 'live', generation: 1, created: newer });
    expect(await world.redis.hkeys(keyOf(world, 'client', 'c-1'))).toEqual(['leadsTo']);
    await user.unlock({ record: user.record });
    expect(await world.recordOf(BY_CLIENT)).toMatchObject({ userId, created: newer });
  });

  it('has the line of both names, and the jobs of both that failed or go on later', async () => {
    const world = await createUserStateWorld();
    const later = await world.start();
    const byClient = await world.take(later);
    await byClient.unlock({ record: byClient.record }, { status: 'retry' });
    const refused = await world.start();
    const user = await world.take(refused);
    const rejected = world.settlementOf(refused, failed('rejected', 'no'));
    await user.settle(rejected, { record: user.record });
    await world.settle(BY_ID);
    const finding = await world.start();
    const known = await world.take(finding);
    const blocked = await world.start();
    await world.begin(blocked);
    const found = await known.lockAlso(userId);
    if (found.is !== 'locked') throw new Error(found.is);
    expect(await world.story(BY_ID)).toMatchObject({
      open: [
        { jobId: blocked.id, is: 'blocked' },
        { jobId: later.id, is: 'retry' },
      ],
      failed: [refused.id],
    });
    for (const part of ['blocked', 'later', 'failures']) {
      expect(await world.redis.keys(`${world.prefix}:user:*:${part}`)).toHaveLength(1);
      expect(await world.shortestTtl(`user:*:${part}`)).toBeGreaterThan(0);
    }
    await found.user.unlock({ record: found.user.record });
    expect(await waiting(world)).toEqual([blocked.id]);
  });
});

it('a user remembers a hundred jobs that go on later, and no more', async () => {
  const world = await createUserStateWorld();
  const user = await world.take(await world.start());
  const others = Array.from({ length: 99 }, (_, n) => [`job ${n}`, '{"status":"wait"}']);
  await world.redis.hset(`${user.lock.key}:later`, ...others.flat());
  await user.unlock({ record: user.record });
  expect((await world.story())?.open).toHaveLength(100);
  await world.recordOf(BY_CLIENT);
  expect((await world.story())?.open).toHaveLength(100);
});
