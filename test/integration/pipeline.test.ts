import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Worker } from 'bullmq';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import type { UserEvent } from '../../src/contract/event.ts';
import { UserEvents } from '../../src/client/user-events.ts';
import { forgetUsers } from '../support/forget-users.ts';
import { createWorld, subscribe } from '../support/world.ts';

describe('a job added by a bare BullMQ client', () => {
  it('create-user comes out as user.created, with the user at Damoov under that UserId', async () => {
    const world = await createWorld();
    const profile = {
      firstName: 'Ada',
      lastName: 'Lovelace',
      nickname: 'ada',
      phone: '+441',
      email: 'ada@example.com',
    };
    const event = await world.run('create-user', { clientId: 'c-1', profile, correlationId: 'r-1' });

    expect(event).toMatchObject({
      type: 'user.created',
      data: { clientId: 'c-1', correlationId: 'r-1', instance: 'default' },
    });
    expect(event.data).not.toHaveProperty('existed');
    expect(event.subject).toBe(event.data.userId);
    expect(await world.users()).toMatchObject([
      { deviceToken: event.data.userId, clientId: 'c-1', ...profile },
    ]);
  });

  it('has the data of its event as return value', async () => {
    const world = await createWorld();
    const jobId = await world.add('create-user', { clientId: 'c-1' });
    const event = await world.eventOf(jobId);
    await expect.poll(async () => (await world.jobs.getJob(jobId))?.returnvalue).toEqual(event.data);
  });

  it('with the id of a job that is gone has an event of its own, which a subscriber is handed', async () => {
    const world = await createWorld({ env: { EVENTS_QUEUES: 'user-events,crm' } });
    await world.run('create-user', { clientId: 'c-1' });
    const handled: UserEvent[] = [];
    const target = { redis: inject('redisUrl'), prefix: world.prefix, queue: 'crm' };
    const users = new UserEvents(target, (event) => void handled.push(event));
    onTestFinished(() => users.close());
    const added: (number | undefined)[] = [];
    for (const field of ['phone', 'email']) {
      await world.add('update-user', { clientId: 'c-1', changes: { [field]: 'x' } }, { jobId: 'profile-1' });
      await expect.poll(async () => (await world.jobs.getJob('profile-1'))?.finishedOn).toBeDefined();
      const job = await world.jobs.getJob('profile-1');
      added.push(job?.timestamp);
      await job?.remove();
    }
    await expect.poll(() => handled.length).toBe(3);
    const source = `/damoov-users/${world.prefix.slice(1, -1)}/user-jobs`;
    expect(handled.slice(1)).toMatchObject([
      { source, id: `profile-1/${added[0]}/user.updated`, data: { changed: ['phone'] } },
      { source, id: `profile-1/${added[1]}/user.updated`, data: { changed: ['email'] } },
    ]);
  });

  it('with no clientId still makes one user', async () => {
    const world = await createWorld();
    const event = await world.run('create-user', {});
    expect(await world.users()).toMatchObject([{ deviceToken: event.data.userId }]);
  });

  it('asking for a userId gets that very one', async () => {
    const world = await createWorld();
    const userId = '9b1c2f5e-0d6a-4c39-8f0e-6f3a1b2c3d4e';
    expect(await world.run('create-user', { userId: userId.toUpperCase() })).toMatchObject({
      data: { userId },
    });
  });

  it('hands out tokens only where they were asked for', async () => {
    const world = await createWorld();
    const asked = await world.run('create-user', { clientId: 'c-1', createAccessToken: true });
    const silent = await world.run('create-user', { clientId: 'c-2' });
    expect(asked.data).toMatchObject({ accessToken: expect.any(String), refreshToken: expect.any(String) });
    expect(silent.data).not.toHaveProperty('accessToken');
  });

  it('update-user by clientId changes the named fields and no other', async () => {
    const world = await createWorld();
    await world.run('create-user', { clientId: 'c-1', profile: { firstName: 'Ada', phone: '+441' } });
    const event = await world.run('update-user', {
      clientId: 'c-1',
      changes: { phone: null, email: 'a@b.c' },
    });
    expect(event).toMatchObject({ type: 'user.updated', data: { changed: ['phone', 'email'] } });
    expect(await world.users()).toMatchObject([{ firstName: 'Ada', phone: null, email: 'a@b.c' }]);
  });

  it('update-user of a clientId that only Damoov knows finds the user there', async () => {
    const world = await createWorld();
    const { data } = await world.run('create-user', { clientId: 'c-1' });
    await forgetUsers(world);
    const event = await world.run('update-user', { clientId: 'c-1', changes: { nickname: 'x' } });
    expect(event).toMatchObject({ type: 'user.updated', subject: data.userId });
    expect(await world.requests('find')).toHaveLength(1);
  });

  it('update-user that gives a user another clientId is found under the new one and no longer under the old', async () => {
    const world = await createWorld();
    const { data } = await world.run('create-user', { clientId: 'old' });
    await world.run('update-user', { clientId: 'old', changes: { clientId: 'new' } });
    const event = await world.run('update-user', { clientId: 'new', changes: { phone: '1' } });
    expect(event).toMatchObject({ type: 'user.updated', subject: data.userId });
    const late = await world.run('update-user', { clientId: 'old', changes: { phone: '2' } }, hourOld());
    expect(late).toMatchObject({ type: 'user.superseded' });
    const next = await world.run('create-user', { clientId: 'old' });
    expect(next.subject).not.toBe(data.userId);
  });

  it('update-user before its create waits for it, and spends no attempt', async () => {
    const world = await createWorld();
    const early = await world.add('update-user', { clientId: 'c-1', changes: { phone: '7' } });
    await expect.poll(() => world.jobs.getDelayedCount()).toBe(1);
    await world.run('create-user', { clientId: 'c-1' });
    expect(await world.eventOf(early)).toMatchObject({ type: 'user.updated' });
    await expect.poll(async () => (await world.jobs.getJob(early))?.attemptsMade).toBe(1);
  });

  it('update-user of a user who never comes fails', async () => {
    const world = await createWorld();
    for (const address of [{ clientId: 'nobody' }, { userId: '9b1c2f5e-0d6a-4c39-8f0e-6f3a1b2c3d4e' }]) {
      const event = await world.run('update-user', { ...address, changes: { phone: '7' } }, hourOld());
      expect(event).toMatchObject({
        type: 'user.failed',
        data: { code: 'user-not-found', operation: 'update-user' },
      });
    }
  });

  it('delete-user by clientId ends the user, and a look-up has confirmed it', async () => {
    const world = await createWorld();
    const { data } = await world.run('create-user', { clientId: 'c-1' });
    const event = await world.run('delete-user', { clientId: 'c-1' });
    expect(event).toMatchObject({
      type: 'user.deleted',
      subject: data.userId,
      data: { existed: true, verified: true },
    });
    expect(await world.users()).toMatchObject([{ deletedAt: expect.any(String) }]);
  });

  it('delete-user of nobody is done, and says that nobody was there', async () => {
    const world = await createWorld();
    const event = await world.run('delete-user', { clientId: 'nobody' });
    expect(event).toMatchObject({ type: 'user.deleted', data: { existed: false, verified: true } });
    expect(await world.requests('delete')).toEqual([]);
  });

  it('delete-user with two ids that do not belong together deletes nobody', async () => {
    const world = await createWorld();
    const one = await world.run('create-user', { clientId: 'one' });
    await world.run('create-user', { clientId: 'two' });
    const event = await world.run('delete-user', { userId: one.data.userId, clientId: 'two' });
    expect(event).toMatchObject({ type: 'user.failed', data: { code: 'user-mismatch' } });
    expect(await world.requests('delete')).toEqual([]);
  });

  it('that is delayed is carried out when it is due', async () => {
    const world = await createWorld();
    await world.run('create-user', { clientId: 'c-1' });
    const jobId = await world.add('delete-user', { clientId: 'c-1' }, { delay: 300 });
    expect(await world.jobs.getDelayedCount()).toBe(1);
    expect(await world.eventOf(jobId)).toMatchObject({ type: 'user.deleted', data: { existed: true } });
  });

  it('addressed to a clientId that two users bear is left to a person', async () => {
    const world = await createWorld({
      modes: { ignoreCustomToken: true },
      env: { DAMOOV_USER_ID: 'assigned' },
    });
    await world.run('create-user', { clientId: 'twin' });
    await forgetUsers(world);
    await world.run('create-user', { clientId: 'twin' });
    await forgetUsers(world);
    for (const [name, more] of [
      ['update-user', { changes: { phone: '1' } }] as const,
      ['delete-user', {}] as const,
    ]) {
      const event = await world.run(name, { clientId: 'twin', ...more });
      expect(event).toMatchObject({ type: 'user.failed', data: { code: 'ambiguous-client-id' } });
    }
    expect(await world.requests('delete')).toEqual([]);
  });
});

describe('several instances', () => {
  const instances = [
    { id: '11111111-1111-4111-8111-111111111111', key: '22222222-2222-4222-8222-222222222222' },
    { id: '33333333-3333-4333-8333-333333333333', key: 'eu-key' },
  ];

  it('are told apart by name, and the same clientId is another user in each', async () => {
    const directory = await mkdtemp(path.join(tmpdir(), 'damoov-instances-'));
    onTestFinished(() => rm(directory, { recursive: true }));
    const file = path.join(directory, 'instances.json');
    await writeFile(file, JSON.stringify({ eu: instances[1] }));
    const world = await createWorld({ sandbox: { instances }, env: { DAMOOV_INSTANCES_FILE: file } });

    const here = await world.run('create-user', { clientId: 'c-1' });
    const there = await world.run('create-user', { clientId: 'c-1', instance: 'eu' });
    expect(there.data).toMatchObject({ instance: 'eu' });
    expect(there.data.userId).not.toBe(here.data.userId);
    expect(await world.users()).toMatchObject([
      { instanceId: instances[0]?.id },
      { instanceId: instances[1]?.id },
    ]);

    await forgetUsers(world);
    await world.run('update-user', { clientId: 'c-1', instance: 'eu', changes: { phone: '7' } });
    const gone = await world.run('delete-user', { clientId: 'c-1', instance: 'eu' });
    expect(gone).toMatchObject({
      type: 'user.deleted',
      subject: there.data.userId,
      data: { existed: true },
    });
    expect(await world.users()).toMatchObject([{ deletedAt: null, phone: null }, { phone: '7' }]);
    // Only the user of the other instance is left: jobs of this instance mean it by its UserId, never by its clientId.
    await forgetUsers(world);
    // It was added so long ago that it does not wait for a move.
    const timestamp = Date.now() - 3_600_000;
    const elsewhere = await world.run('delete-user', { clientId: 'c-1', instance: 'eu' }, { timestamp });
    expect(elsewhere).toMatchObject({ type: 'user.failed', data: { code: 'other-instance' } });
    const byId = { userId: here.data.userId, instance: 'eu' };
    const changed = await world.run('update-user', { ...byId, changes: { phone: '8' } });
    expect(changed).toMatchObject({ type: 'user.updated', subject: here.data.userId });
    expect(await world.users()).toMatchObject([{ deletedAt: null, phone: '8' }, { phone: '7' }]);
  });
});

describe('the events', () => {
  it('reach every events queue', async () => {
    const world = await createWorld({ env: { EVENTS_QUEUES: 'user-events,crm-events' } });
    const crm = await subscribe(inject('redisUrl'), world.prefix, 'crm-events');
    const jobId = await world.add('create-user', { clientId: 'c-1' });
    expect(await crm.eventOf(jobId)).toEqual(await world.eventOf(jobId));
  });

  it('wait for a subscriber that is away', async () => {
    const world = await createWorld({ env: { EVENTS_QUEUES: 'user-events,late-events' } });
    const { id, data } = await world.run('create-user', { clientId: 'c-1' });
    const late = await subscribe(inject('redisUrl'), world.prefix, 'late-events');
    expect(await late.eventOf(data.jobId)).toMatchObject({ id });
  });

  it('come again for a subscriber that fails, with the same id', async () => {
    const world = await createWorld({ env: { EVENTS_QUEUES: 'user-events,shaky-events' } });
    const seen: string[] = [];
    const { promise: twice, resolve } = Promise.withResolvers<void>();
    const shaky = new Worker(
      'shaky-events',
      async ({ data }) => {
        seen.push((data as { id: string }).id);
        if (seen.length === 1) throw new Error('not today');
        resolve();
      },
      { connection: world.redis.duplicate(), prefix: world.prefix },
    );
    const { id } = await world.run('create-user', { clientId: 'c-1' });
    await twice;
    expect(seen).toEqual([id, id]);
    await shaky.close();
  });
});

/** The time of a job that was added an hour ago: long enough for any patience. */
function hourOld() {
  return { timestamp: Date.now() - 3_600_000 };
}
