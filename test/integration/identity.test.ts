import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { createFaultyWorld } from '../support/faulty-world.ts';
import { RETRIES_LATE, type World, createWorld } from '../support/world.ts';

const IDENTITIES = ['derived', 'assigned'] as const;
const DUPLICATES = ['same', '409', '422', '400', 'second-user'] as const;

const profile = { firstName: 'Ada', lastName: 'L', nickname: 'ada', phone: '1', email: 'a@b.c' };

async function liveUsers(world: World) {
  return (await world.users()).filter(({ deletedAt }) => deletedAt === null);
}

describe.each(IDENTITIES)('with %s ids, a sign-up has one user', (DAMOOV_USER_ID) => {
  const env = { DAMOOV_USER_ID };

  it('where another job brings it again', async () => {
    const world = await createWorld({ env });
    const first = await world.run('create-user', { clientId: 'c-1' });
    const second = await world.run('create-user', { clientId: 'c-1' });
    expect(second).toMatchObject({ type: 'user.created', subject: first.subject, data: { existed: true } });
    expect(await world.requests('create')).toHaveLength(1);
  });

  it('where two producers add it at once, and two workers take it', async () => {
    const world = await createWorld({ env, modes: { latencyMs: 50 } });
    await world.startWorker();
    const producers = [1, 2].map(() => {
      const connection = new Redis(inject('redisUrl'), { maxRetriesPerRequest: null });
      onTestFinished(() => connection.disconnect());
      return new Queue('user-jobs', { connection, prefix: world.prefix });
    });
    const jobs = await Promise.all(producers.map((queue) => queue.add('create-user', { clientId: 'c-1' })));
    const events = await Promise.all(jobs.map(({ id }) => world.eventOf(id ?? '')));
    expect(new Set(events.map(({ subject }) => subject)).size).toBe(1);
    expect(events.filter(({ data }) => 'existed' in data)).toHaveLength(1);
    expect(await world.users()).toHaveLength(1);
  });

  it.each(DUPLICATES)(
    'where its reply is lost and a known id is answered with %s',
    async (duplicateToken) => {
      const world = await createFaultyWorld({ duplicateToken, commitThenDropRate: 1 }, env);
      const jobId = await world.add('create-user', { clientId: 'c-1', profile });
      await expect.poll(async () => (await world.requests('create')).length).toBe(1);
      await world.setModes({ commitThenDropRate: 0 });
      expect(await world.eventOf(jobId)).toMatchObject({ type: 'user.created' });
      const other = await world.run('create-user', { clientId: 'c-1', profile });
      expect(other).toMatchObject({ type: 'user.created', data: { existed: true } });
      expect(await world.users()).toHaveLength(1);
    },
  );

  it('where its id is not heeded, however often it is delivered', async () => {
    const world = await createWorld({ env, modes: { ignoreCustomToken: true } });
    const events = [];
    for (const _ of [1, 2, 3]) events.push(await world.run('create-user', { clientId: 'c-1' }));
    const [user] = await world.users();
    expect(await world.users()).toHaveLength(1);
    if (DAMOOV_USER_ID === 'assigned') {
      expect(events.map(({ subject }) => subject)).toEqual(events.map(() => user?.deviceToken));
      return;
    }
    for (const { type, data } of events) {
      expect(type).toBe('user.failed');
      expect(data).toMatchObject({ code: 'unexpected-user-id', userId: expect.any(String) });
      // Both ids: the requested one and Damoov's.
      expect(data).toMatchObject({ message: expect.stringContaining(user?.deviceToken ?? '?') });
      expect(data).toMatchObject({ message: expect.stringContaining(String(data.userId)) });
    }
  });

  it('where its id is not heeded and the reply is lost besides', async () => {
    const world = await createFaultyWorld({ ignoreCustomToken: true, commitThenDropRate: 1 }, env);
    const jobId = await world.add('create-user', { clientId: 'c-1' });
    await expect.poll(async () => (await world.requests('create')).length).toBe(1);
    await world.setModes({ commitThenDropRate: 0 });
    expect((await world.eventOf(jobId)).type).toBe(
      DAMOOV_USER_ID === 'assigned' ? 'user.created' : 'user.failed',
    );
    expect(await world.users()).toHaveLength(1);
  });

  it('deleted and signed up again is the next user', async () => {
    const world = await createWorld({ env });
    const first = await world.run('create-user', { clientId: 'c-1' });
    await world.run('delete-user', { clientId: 'c-1' });
    const second = await world.run('create-user', { clientId: 'c-1', profile });
    expect(second.type).toBe('user.created');
    expect(second.data).not.toHaveProperty('existed');
    expect(second.subject).not.toBe(first.subject);
    await world.run('delete-user', { userId: second.subject });
    const third = await world.run('create-user', { clientId: 'c-1' });
    expect(new Set([first.subject, second.subject, third.subject]).size).toBe(3);
    expect(await liveUsers(world)).toMatchObject([{ deviceToken: third.subject }]);
    // No service has an earlier token.
    expect(await world.run('delete-user', { userId: first.subject })).toMatchObject({
      data: { existed: false },
    });
    expect(await liveUsers(world)).toHaveLength(1);
  });

  it('that two users of before bear is left to a person', async () => {
    const world = await createWorld({ env });
    for (const _ of [1, 2]) await world.signUpElsewhere('twin');
    for (const [name, data] of [
      ['update-user', { changes: { phone: '1' } }],
      ['delete-user', {}],
    ] as const) {
      const event = await world.run(name, { clientId: 'twin', ...data });
      expect(event).toMatchObject({ type: 'user.failed', data: { code: 'ambiguous-client-id' } });
    }
    expect(await liveUsers(world)).toHaveLength(2);
  });

  it('of a user of before is found by its clientId, and remembered', async () => {
    const world = await createWorld({ env });
    const userId = await world.signUpElsewhere('known');
    for (const phone of ['1', '2']) {
      const event = await world.run('update-user', { clientId: 'known', changes: { phone } });
      expect(event).toMatchObject({ type: 'user.updated', subject: userId });
    }
    // By its clientId, and from then on by its UserId.
    expect((await world.requests('find')).map(({ deviceToken }) => deviceToken)).toEqual([null, userId]);
    const again = await world.run('create-user', { clientId: 'known' });
    expect(again).toMatchObject({ type: 'user.created', subject: userId, data: { existed: true } });
    expect(await world.users()).toHaveLength(1);
  });
});

describe('an assigned id whose create went unanswered, and whose clientId another user comes to bear', () => {
  /** The create is carried out, its answer is lost, and the job waits until it is called. */
  async function createUnanswered() {
    const env = { DAMOOV_USER_ID: 'assigned', ...RETRIES_LATE };
    const world = await createFaultyWorld({ commitThenDropRate: 1 }, env);
    const jobId = await world.add('create-user', { clientId: 'c-1' });
    await expect.poll(async () => (await world.jobs.getJob(jobId))?.isDelayed()).toBe(true);
    await world.setModes({ commitThenDropRate: 0 });
    const carryOn = async () => {
      await (await world.jobs.getJob(jobId))?.promote();
      return world.eventOf(jobId);
    };
    return { world, carryOn };
  }

  it('before the worker has looked, is left to a person', async () => {
    const { world, carryOn } = await createUnanswered();
    await world.signUpElsewhere('c-1');
    expect(await carryOn()).toMatchObject({ type: 'user.failed', data: { code: 'ambiguous-client-id' } });
    expect(await world.users()).toHaveLength(2);
    expect((await world.requests('create')).map(({ applied }) => applied)).toEqual([true, true]);
  });

  it('after the worker has looked, is the one that the create has made', async () => {
    const { world, carryOn } = await createUnanswered();
    const [made] = await world.users();
    const event = await carryOn();
    await world.signUpElsewhere('c-1');
    expect(event).toMatchObject({
      type: 'user.created',
      subject: made?.deviceToken,
      data: { existed: true },
    });
    expect(await world.run('create-user', { clientId: 'c-1' })).toMatchObject({
      type: 'user.created',
      subject: made?.deviceToken,
      data: { existed: true },
    });
    expect(await world.users()).toHaveLength(2);
  });
});
