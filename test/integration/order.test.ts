import { FlowProducer } from 'bullmq';
import { Redis } from 'ioredis';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { RETRIES_LATE, type World, createWorld } from '../support/world.ts';

const profile = { firstName: 'Ada', lastName: 'L', nickname: 'ada', phone: '1', email: 'a@b.c' };

/** When a job happened: the jobs of these tests arrive in another order than that. */
const at = (minute: number) => ({ occurredAt: new Date(Date.UTC(2026, 0, 1, 0, minute)).toISOString() });

async function onlyUser(world: World) {
  const live = (await world.users()).filter(({ deletedAt }) => deletedAt === null);
  expect(live.length).toBeLessThanOrEqual(1);
  return live[0];
}

/** A job that has failed for good, by a fault that passes. */
async function fail(world: World, name: string, data: object): Promise<string> {
  await world.setModes({ errorRate: 1, errorStatus: 500 });
  const jobId = await world.add(name, data);
  expect(await world.eventOf(jobId)).toMatchObject({ type: 'user.failed' });
  await expect.poll(async () => (await world.jobs.getJob(jobId))?.getState()).toBe('failed');
  await world.setModes({ errorRate: 0 });
  return jobId;
}

/** Puts a failed job back, as a person would, and answers its newest event. */
async function redrive(world: World, jobId: string) {
  const ofJob = () => world.events.filter(({ data }) => data.jobId === jobId);
  const before = ofJob().length;
  await (await world.jobs.getJob(jobId))?.retry();
  await expect.poll(() => ofJob().length).toBe(before + 1);
  return ofJob().at(-1);
}

describe('newest wins', () => {
  it('for each field, whichever job comes first', async () => {
    const world = await createWorld();
    await world.run('create-user', { clientId: 'c-1', profile, ...at(0) });
    await world.run('update-user', {
      clientId: 'c-1',
      changes: { phone: 'new', email: 'new@b.c' },
      ...at(5),
    });
    const older = await world.run('update-user', {
      clientId: 'c-1',
      changes: { phone: 'old', nickname: 'old' },
      ...at(3),
    });
    expect(older).toMatchObject({ type: 'user.updated', data: { changed: ['nickname'] } });
    const oldest = await world.run('update-user', { clientId: 'c-1', changes: { email: null }, ...at(2) });
    expect(oldest).toMatchObject({
      type: 'user.superseded',
      data: { operation: 'update-user', by: 'newer values' },
    });
    expect(await onlyUser(world)).toMatchObject({ phone: 'new', email: 'new@b.c', firstName: 'Ada' });
  });

  it('also between two sign-ups of one user', async () => {
    const world = await createWorld();
    await world.run('create-user', { clientId: 'c-1', profile: { phone: 'new' }, ...at(5) });
    const older = await world.run('create-user', {
      clientId: 'c-1',
      profile: { phone: 'old', email: 'a@b.c' },
      ...at(3),
    });
    expect(older).toMatchObject({ type: 'user.created', data: { existed: true } });
    expect(await onlyUser(world)).toMatchObject({ phone: 'new', email: 'a@b.c' });
  });

  it('in a redrive of an old failed update', async () => {
    const world = await createWorld({ env: { JOB_ATTEMPTS: '1' } });
    await world.run('create-user', { clientId: 'c-1', profile });
    await world.run('update-user', { clientId: 'c-1', changes: { lastName: 'M' } });
    const jobId = await fail(world, 'update-user', {
      clientId: 'c-1',
      changes: { phone: 'old', email: 'old' },
    });
    await world.run('update-user', { clientId: 'c-1', changes: { phone: 'new' } });
    expect(await redrive(world, jobId)).toMatchObject({ type: 'user.updated', data: { changed: ['email'] } });
    expect(await onlyUser(world)).toMatchObject({ phone: 'new', email: 'old' });
  });

  it('in a redrive of an old failed create: the user stays deleted', async () => {
    const world = await createWorld({ env: { JOB_ATTEMPTS: '1' } });
    await world.run('delete-user', { clientId: 'nobody' });
    const jobId = await fail(world, 'create-user', { clientId: 'c-1' });
    await world.run('create-user', { clientId: 'c-1' });
    await world.run('delete-user', { clientId: 'c-1' });
    expect(await redrive(world, jobId)).toMatchObject({ type: 'user.superseded', data: { by: 'deletion' } });
    expect(await onlyUser(world)).toBeUndefined();
  });

  it('in a redrive of an old failed deletion: the user who came back stays', async () => {
    const world = await createWorld({ env: { JOB_ATTEMPTS: '1' } });
    await world.run('create-user', { clientId: 'c-1' });
    await world.run('update-user', { clientId: 'c-1', changes: { phone: '1' } });
    const jobId = await fail(world, 'delete-user', { clientId: 'c-1' });
    await world.run('create-user', { clientId: 'c-1', profile });
    expect(await redrive(world, jobId)).toMatchObject({ type: 'user.superseded', data: { by: 'create' } });
    expect(await onlyUser(world)).toBeDefined();
  });
});

describe('a deletion', () => {
  it('outlasts a create that is still being retried', async () => {
    const world = await createWorld({ env: { BACKOFF_BASE_MS: '400', BACKOFF_MAX_MS: '400' } });
    await world.run('delete-user', { clientId: 'nobody' });
    await world.setModes({ errorRate: 1 });
    const create = await world.add('create-user', { clientId: 'c-1' });
    await expect.poll(async () => (await world.requests('create')).length).toBe(1);
    await world.setModes({ errorRate: 0 });
    // Its timestamp is later than the create's: whichever gets the user first, the deletion has the last word.
    const deletion = await world.run('delete-user', { clientId: 'c-1' });
    expect(deletion.type).toBe('user.deleted');
    await world.eventOf(create);
    expect(await onlyUser(world)).toBeUndefined();
  });

  it('of nobody is remembered: an older create that comes later makes no user', async () => {
    const world = await createWorld();
    await world.run('delete-user', { clientId: 'c-1', ...at(5) });
    const create = await world.run('create-user', { clientId: 'c-1', ...at(3) });
    expect(create).toMatchObject({
      type: 'user.superseded',
      data: { operation: 'create-user', by: 'deletion' },
    });
    expect(await world.requests('create')).toEqual([]);
    const update = await world.run('update-user', { clientId: 'c-1', changes: { phone: '1' }, ...at(4) });
    expect(update).toMatchObject({ type: 'user.superseded' });
    expect((await world.run('create-user', { clientId: 'c-1', ...at(6) })).type).toBe('user.created');
  });

  it('by the userId alone is remembered for the sign-up that derives it', async () => {
    const world = await createWorld();
    const first = await world.run('create-user', { clientId: 'c-1', ...at(1) });
    await world.run('delete-user', { userId: first.subject, ...at(5) });
    const late = await world.run('create-user', { clientId: 'c-1', ...at(3) });
    expect(late.type).toBe('user.superseded');
    expect(await onlyUser(world)).toBeUndefined();
  });

  it('is off where the user has come back since it was asked for', async () => {
    const world = await createWorld();
    await world.run('create-user', { clientId: 'c-1', profile, ...at(1) });
    await world.run('create-user', { clientId: 'c-1', profile, ...at(9) });
    const deletion = await world.run('delete-user', { clientId: 'c-1', ...at(5) });
    expect(deletion).toMatchObject({
      type: 'user.superseded',
      data: { operation: 'delete-user', by: 'create' },
    });
    expect(await world.requests('delete')).toEqual([]);
    expect(await onlyUser(world)).toBeDefined();
  });

  it('whose reply was lost is not undone by a create that believes the user is there', async () => {
    const world = await createWorld({ env: RETRIES_LATE });
    const first = await world.run('create-user', { clientId: 'c-1', ...at(1) });
    await world.run('update-user', { clientId: 'c-1', changes: { phone: '1' }, ...at(2) });
    await world.setModes({ commitThenDropRate: 1 });
    const deletion = await world.add('delete-user', { clientId: 'c-1', ...at(5) });
    await expect.poll(async () => (await world.requests('delete')).length).toBe(1);
    await world.setModes({ commitThenDropRate: 0 });
    await expect.poll(() => world.jobs.getDelayedCount()).toBe(1);
    // It is unknown whether the user still exists: the create waits for the deletion.
    const create = await world.add('create-user', { clientId: 'c-1', ...at(9) });
    await expect.poll(() => world.jobs.getDelayedCount()).toBe(2);
    await (await world.jobs.getJob(deletion))?.promote();
    expect(await world.eventOf(deletion)).toMatchObject({ type: 'user.deleted' });
    // It would look again after a while.
    await world.jobs.promoteJobs();
    const second = await world.eventOf(create);
    expect(second).toMatchObject({ type: 'user.created' });
    expect(second.subject).not.toBe(first.subject);
    expect(await onlyUser(world)).toMatchObject({ deviceToken: second.subject });
  });
});

describe('a user with many jobs at once', () => {
  it('has them done one by one, and the others do not wait', async () => {
    const world = await createWorld({ modes: { latencyMs: 5 } });
    await world.run('create-user', { clientId: 'busy' });
    const jobIds = await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        world.add('update-user', { clientId: 'busy', changes: { phone: `${n}` }, ...at(n) }),
      ),
    );
    const events = await Promise.all(jobIds.map((id) => world.eventOf(id)));
    for (const { type } of events) expect(['user.updated', 'user.superseded']).toContain(type);
    expect(await onlyUser(world)).toMatchObject({ phone: '19' });
  });
});

describe('a flow', () => {
  it.each(['x', '5'])('counts from its jobs’ own times where its parent has none: %s', async (timestamp) => {
    const world = await createWorld({ startsWorker: false });
    await world.jobs.pause();
    const flow = new FlowProducer({ connection: world.redis, prefix: world.prefix });
    onTestFinished(() => flow.close());
    const part = (name: string, data: object) => ({ name, queueName: 'user-jobs', data });
    const child = part('update-user', { clientId: 'c-1', changes: { phone: 'of the flow' } });
    const parent = part('delete-user', { clientId: 'c-2' });
    await world.add('create-user', { clientId: 'c-1', profile: { phone: 'before' } });
    const { job, children = [] } = await flow.add({ ...parent, children: [child] });
    await world.redis.hset(`${world.prefix}:user-jobs:${job.id}`, { timestamp });
    await world.jobs.resume();
    await world.startWorker();
    expect(await world.eventOf(children[0]?.job.id ?? '')).toMatchObject({ type: 'user.updated' });
    expect(await onlyUser(world)).toMatchObject({ phone: 'of the flow' });
  });

  it('is of one moment: a parent is not older than the child for which it waits', async () => {
    const world = await createWorld();
    const connection = new Redis(inject('redisUrl'), { maxRetriesPerRequest: null });
    onTestFinished(() => connection.disconnect());
    const flow = new FlowProducer({ connection, prefix: world.prefix });
    onTestFinished(() => flow.close());
    const data = { clientId: 'c-1' };
    const now = Date.now();
    // BullMQ makes the parent first, and its clock may go on before it makes the children.
    const part = (name: string, ms: number, data: object) => ({
      name,
      queueName: 'user-jobs',
      data,
      opts: { timestamp: now + ms },
    });
    const child = part('create-user', 2, data);
    const between = { ...part('update-user', 1, { ...data, changes: { phone: '1' } }), children: [child] };
    const { job } = await flow.add({ ...part('delete-user', 0, data), children: [between] });
    expect(await world.eventOf(job.id ?? '')).toMatchObject({
      type: 'user.deleted',
      data: { existed: true },
    });
    expect(world.events.map(({ type }) => type)).toEqual(['user.created', 'user.updated', 'user.deleted']);
  });
});
