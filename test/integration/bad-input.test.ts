import { describe, expect, it } from 'vitest';
import { type World, createWorld } from '../support/world.ts';

/** It failed once, for good, with one event, and the worker takes the next job. */
async function expectRefused(world: World, jobId: string, code: string) {
  const event = await world.eventOf(jobId);
  expect(event).toMatchObject({ type: 'user.failed', data: { code, attempts: 1 } });
  await expect.poll(async () => world.redis.zscore(`${world.prefix}:user-jobs:failed`, jobId)).not.toBeNull();
  expect(await world.run('create-user', { clientId: 'next' })).toMatchObject({ type: 'user.created' });
  expect(world.events.filter(({ data }) => data.jobId === jobId)).toHaveLength(1);
  return event;
}

describe('a job that nobody can carry out fails at once, with one event, and the worker lives on', () => {
  it('where its text is not JSON', async () => {
    const world = await createWorld({ startsWorker: false });
    const jobId = await world.add('create-user', { clientId: 'c-1' });
    await world.redis.hset(`${world.prefix}:user-jobs:${jobId}`, 'data', '{"clientId": ');
    await world.startWorker();
    expect((await expectRefused(world, jobId, 'invalid-job')).data).toMatchObject({
      message: 'the data is not JSON',
    });
  });

  it('where it is above 64 KB', async () => {
    const world = await createWorld();
    const jobId = await world.add('create-user', {
      clientId: 'c-1',
      profile: { firstName: 'x'.repeat(70_000) },
    });
    await expectRefused(world, jobId, 'invalid-job');
    const key = `${world.prefix}:user-jobs:${jobId}`;
    expect(await world.redis.hstrlen(key, 'data')).toBeLessThan(200);
  });

  it('where it was too large, and is retried: it makes no user', async () => {
    const world = await createWorld();
    const jobId = await world.add('create-user', { profile: { firstName: 'x'.repeat(1_000_000) } });
    await expectRefused(world, jobId, 'invalid-job');
    await (await world.jobs.getJob(jobId))?.retry();
    await expect.poll(() => world.events.filter(({ data }) => data.jobId === jobId).length).toBe(2);
    expect((await world.users()).map(({ clientId }) => clientId)).toEqual(['next']);
  });

  it('where its name is unknown', async () => {
    const world = await createWorld();
    const event = await expectRefused(
      world,
      await world.add('merge-user', { clientId: 'c-1' }),
      'invalid-job',
    );
    expect(event.data).toMatchObject({
      operation: 'unknown',
      message: expect.stringContaining('create-user'),
    });
  });

  it('where it is from the far future: nothing would ever be newer', async () => {
    const world = await createWorld();
    const data = { clientId: 'c-1', occurredAt: '9999-01-01T00:00:00Z' };
    await expectRefused(world, await world.add('delete-user', data), 'invalid-job');
    const timestamp = Date.now() + 86_400_000;
    await expectRefused(
      world,
      await world.add('delete-user', { clientId: 'c-1' }, { timestamp }),
      'invalid-job',
    );
    expect(await world.run('create-user', { clientId: 'c-1' })).toMatchObject({ type: 'user.created' });
  });

  it('where its instance is unknown', async () => {
    const world = await createWorld();
    const event = await expectRefused(
      world,
      await world.add('create-user', { instance: 'mars' }),
      'unknown-instance',
    );
    expect(event.data).toMatchObject({ instance: 'mars', message: expect.stringContaining('default') });
  });

  it('where its data is faulty, and every fault is named', async () => {
    const world = await createWorld();
    const jobId = await world.add('create-user', {
      FirstName: 'Ada',
      ClientId: 'c-1',
      correlationId: 'r-1',
      phone: 1,
    });
    const event = await expectRefused(world, jobId, 'invalid-job');
    expect(event.data).toMatchObject({ correlationId: 'r-1' });
    for (const hint of ['profile.firstName', 'clientId', 'profile.phone']) {
      expect(event.data).toMatchObject({ message: expect.stringContaining(`did you mean ${hint}?`) });
    }
  });

  it.each([
    ['null', null],
    ['a number', 7],
    ['a list', [1]],
    ['a text', 'create'],
  ])('where its data is %s', async (_what, data) => {
    const world = await createWorld();
    await expectRefused(world, await world.add('create-user', data), 'invalid-job');
  });

  it('where Damoov says that a field is wrong, in the words of Damoov', async () => {
    const world = await createWorld();
    await world.run('create-user', { clientId: 'c-1' });
    await world.run('update-user', { clientId: 'c-1', changes: { phone: '1' } });
    await world.setModes({ errorRate: 1, errorStatus: 422 });
    const event = await world.run('update-user', { clientId: 'c-1', changes: { phone: '2' } });
    expect(event).toMatchObject({ type: 'user.failed', data: { code: 'rejected', attempts: 1 } });
    expect(event.data).toMatchObject({ message: expect.stringContaining('status 422') });
  });
});

describe('personal data and secrets', () => {
  it('never reach a log line or an event', async () => {
    const world = await createWorld();
    const marks = ['Marked-First', 'Marked-Last', 'Marked-Nick', '+49-marked', 'marked@example.com'];
    const [firstName, lastName, nickname, phone, email] = marks;
    const profile = { firstName, lastName, nickname, phone, email };
    const run = () => world.run('create-user', { clientId: 'c-1', profile });
    await run();
    await world.run('update-user', { clientId: 'c-1', changes: profile });
    await world.run('create-user', { profile: { ...profile, [email ?? '']: 1 } });
    await world.run('merge-user', { email });
    await world.run('delete-user', { clientId: 'c-1', reason: email });
    await world.setModes({ errorRate: 1, errorStatus: 422 });
    await world.run('create-user', { profile });
    await world.setModes({ errorRate: 1, errorStatus: 500 });
    await world.add('create-user', { profile });
    await expect
      .poll(() => world.logLines.filter((line) => line.includes('runs again later')).length)
      .toBeGreaterThan(0);

    const told = [...world.logLines, ...world.events.map((event) => JSON.stringify(event))].join('\n');
    const secrets = [
      world.env['DAMOOV_INSTANCE_KEY'],
      world.env['DAMOOV_ADMIN_PASSWORD'],
      world.env['DAMOOV_ADMIN_EMAIL'],
    ];
    expect(told).toContain('user.created');
    for (const mark of [...marks, ...secrets]) expect(told).not.toContain(mark);
  });
});
