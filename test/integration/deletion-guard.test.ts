import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Receipt } from '../../src/contract/receipt.ts';
import { createDeletionLimit } from '../../src/store/circuits/deletion-limit.ts';
import { createDeletions } from '../../src/store/deletions/deletions.ts';
import { refusal, success } from '../damoov/scripted-server.ts';
import { startFaultyDeletes } from '../support/faulty-deletes.ts';
import { runCommand } from '../support/run-command.ts';
import { createScriptedWorld, createdAsAsked, nobody, seenAsAsked } from '../support/scripted-world.ts';
import { RETRIES_LATE, createWorld } from '../support/world.ts';

const HOUR_MS = 3_600_000;
const CANCELLED = { type: 'user.superseded', data: { by: 'cancellation' } };

/** A worker whose DELETEs can be spoilt, and what a deletion needs around it. */
async function createDeletionWorld(env: Record<string, string> = {}) {
  const world = await createWorld({ startsWorker: false, env, timings: { pause: async () => {} } });
  const deletes = await startFaultyDeletes(world.sandboxUrl);
  world.env['DAMOOV_BASE_URL'] = deletes.url;
  const app = await world.startWorker();
  const { jobs, prefix, redis } = world;
  const deletionLimit = createDeletionLimit({ jobs, prefix });
  return {
    ...world,
    app,
    /** In a millisecond of its own: within one, a deletion counts as newer than a job whose id the queue has counted. */
    async run(...job: Parameters<typeof world.run>) {
      const since = Date.now();
      while (Date.now() === since) await setImmediate();
      return world.run(...job);
    },
    deletes,
    deletions: createDeletions({ jobs, prefix }),
    deletionLimit,
    held: () => redis.zcard(`${prefix}:circuit:deletion-limit:held`),
    alive: async () =>
      (await world.users()).filter(({ deletedAt }) => deletedAt === null).map(({ clientId }) => clientId),
    /** A deletion that was sent, was not carried out, and is tried again later. */
    async sendInVain(jobId: string) {
      await expect.poll(() => redis.zscore(`${prefix}:deletions-sent`, jobId)).not.toBeNull();
      await expect.poll(async () => (await jobs.getJob(jobId))?.getState()).toBe('delayed');
    },
  };
}

describe('what an operator says of held deletions', () => {
  const LIMIT_1 = { DELETIONS_PER_HOUR: '1', ...RETRIES_LATE };

  it('never concerns one that was sent before: it is not held, and not refused', async () => {
    const world = await createDeletionWorld(LIMIT_1);
    for (const clientId of ['x', 'y']) await world.signUpElsewhere(clientId);
    world.deletes.fault = 500;
    const sent = await world.add('delete-user', { clientId: 'x' });
    await world.sendInVain(sent);
    world.deletes.fault = 'none';
    const held = await world.add('delete-user', { clientId: 'y' });
    await expect.poll(world.held).toBe(1);
    await (await world.jobs.getJob(sent))?.promote();
    expect(await world.eventOf(sent)).toMatchObject({ type: 'user.deleted', data: { existed: true } });
    expect(await world.deletionLimit.find()).toEqual([held]);
    expect(await world.deletionLimit.decide('refuse', [held])).toBe(1);
    expect(await world.eventOf(held)).toMatchObject({ data: { code: 'deletion-refused' } });
    expect(await world.alive()).toEqual(['y']);
  });

  it('is about those that were held when it was asked', async () => {
    const world = await createDeletionWorld({ DELETIONS_PER_HOUR: '0' });
    for (const clientId of ['x', 'y']) await world.signUpElsewhere(clientId);
    await world.add('delete-user', { clientId: 'x' });
    await expect.poll(world.held).toBe(1);
    const meant = await world.deletionLimit.find();
    await world.add('delete-user', {
      clientId: 'y',
      occurredAt: new Date(Date.now() - HOUR_MS).toISOString(),
    });
    await expect.poll(world.held).toBe(2);
    expect(await world.deletionLimit.decide('release', meant)).toBe(1);
    await expect.poll(world.alive).toEqual(['y']);
  });

  it('does not apply to later retries: the deletion limit is checked again', async () => {
    const world = await createDeletionWorld({ DELETIONS_PER_HOUR: '1' });
    for (const clientId of ['x', 'y']) await world.signUpElsewhere(clientId);
    world.deletes.fault = 403;
    const failed = await world.add('delete-user', { clientId: 'x' });
    expect(await world.eventOf(failed)).toMatchObject({ data: { code: 'forbidden' } });
    world.deletes.fault = 'none';
    const retry = await runCommand(['failed', 'retry', '--yes'], world.env);
    expect(retry.stdout).toBe('1 retried\n');
    await expect.poll(world.held).toBe(1);
    expect(await world.alive()).toEqual(['x', 'y']);
  });

  it('opens a deletion limit that was left open with nothing behind it', async () => {
    const world = await createDeletionWorld({ DELETIONS_PER_HOUR: '0' });
    await world.signUpElsewhere('x');
    const held = await world.add('delete-user', { clientId: 'x' });
    // It is noted as held before its worker lets go of it.
    await expect.poll(() => world.jobs.getJobState(held)).toBe('delayed');
    await world.jobs.remove(held);
    expect(await world.deletionLimit.decide('release', await world.deletionLimit.find())).toBe(0);
    expect(await world.redis.exists(`${world.prefix}:circuit:deletion-limit:all`)).toBe(0);
  });
});

describe('a deletion that is asked for, cancelled and asked for again', () => {
  it('stays cancelled under the other id of its user', async () => {
    const world = await createDeletionWorld();
    const userId = await world.signUpElsewhere('c-1');
    const first = await world.deletions.schedule({ userId }, Date.now() + HOUR_MS);
    await world.deletions.schedule({ clientId: 'c-1' }, Date.now() + HOUR_MS);
    expect(await world.deletions.cancel({ clientId: 'c-1' })).toBe('cancelled');
    await world.deletions.schedule({ clientId: 'c-1' }, Date.now() + HOUR_MS);
    if (first === 'too-late') throw new Error('too late');
    await (await world.jobs.getJob(first.jobId))?.promote();
    expect(await world.eventOf(first.jobId)).toMatchObject(CANCELLED);
    expect(await world.requests('delete')).toEqual([]);
  });

  it('is too late to cancel while an older one that was sent goes on', async () => {
    const world = await createDeletionWorld(RETRIES_LATE);
    const userId = await world.signUpElsewhere('c-1');
    world.deletes.fault = 500;
    const first = await world.deletions.schedule({ userId }, Date.now());
    if (first === 'too-late') throw new Error('too late');
    await world.sendInVain(first.jobId);
    await world.deletions.schedule({ clientId: 'c-1' }, Date.now() + HOUR_MS);
    expect(await world.deletions.cancel({ clientId: 'c-1' })).toBe('too-late');
  });

  it('counts from the last request, also while the first one is held', async () => {
    const world = await createDeletionWorld({ DELETIONS_PER_HOUR: '0' });
    await world.run('create-user', { clientId: 'c-1' });
    const first = await world.deletions.schedule({ clientId: 'c-1' }, Date.now());
    if (first === 'too-late') throw new Error('too late');
    await expect.poll(world.held).toBe(1);
    await world.run('create-user', { clientId: 'c-1', profile: { firstName: 'Back' } });
    expect(await world.deletions.schedule({ clientId: 'c-1' }, Date.now())).toMatchObject({ is: 'exists' });
    await world.deletionLimit.decide('release', await world.deletionLimit.find());
    expect(await world.eventOf(first.jobId)).toMatchObject({ type: 'user.deleted' });
  });

  it('stays the same request where it is only moved: a return in between undoes it', async () => {
    const world = await createDeletionWorld({ DELETIONS_PER_HOUR: '0' });
    await world.run('create-user', { clientId: 'c-1' });
    await world.deletions.schedule({ clientId: 'c-1' }, Date.now());
    await expect.poll(world.held).toBe(1);
    await world.run('create-user', { clientId: 'c-1', profile: { firstName: 'Back' } });
    const moved = await world.deletions.reschedule({ clientId: 'c-1' }, Date.now() + 100);
    if (typeof moved === 'string') throw new Error(moved);
    expect(await world.eventOf(moved.jobId)).toMatchObject({
      type: 'user.superseded',
      data: { by: 'create' },
    });
    expect(await world.alive()).toEqual(['c-1']);
  });

  it('is not wanted any more after a return, also where nothing else is known of the user any more', async () => {
    const world = await createDeletionWorld();
    const { data } = await world.run('create-user', { clientId: 'c-1' });
    const scheduled = await world.deletions.schedule({ clientId: 'c-1' }, Date.now() + 90 * 24 * HOUR_MS);
    if (scheduled === 'too-late') throw new Error('too late');
    await world.run('create-user', { clientId: 'c-1', profile: { firstName: 'Back' } });
    // As if its records had expired.
    await world.redis.unlink(...(await world.redis.keys(`${world.prefix}:user:*`)));
    await (await world.jobs.getJob(scheduled.jobId))?.promote();
    expect(await world.eventOf(scheduled.jobId)).toMatchObject({
      type: 'user.superseded',
      data: { by: 'create', userId: data.userId },
    });
    expect(await world.alive()).toEqual(['c-1']);
  });

  it('of a user who was deleted before and came back is told as cancelled', async () => {
    const world = await createDeletionWorld();
    await world.run('create-user', { clientId: 'c-1' });
    const first = await world.deletions.schedule({ clientId: 'c-1' }, Date.now());
    if (first === 'too-late') throw new Error('too late');
    await world.eventOf(first.jobId);
    const { data } = await world.run('create-user', { clientId: 'c-1' });
    const userId = data.userId ?? '';
    await world.deletions.schedule({ userId }, Date.now() + HOUR_MS);
    expect(await world.deletions.cancel({ clientId: 'c-1', userId })).toBe('cancelled');
  });
});

it('a deletion waits for a newer sign-up that goes on, also where an older one ends meanwhile', async () => {
  const { world, damoov } = await createScriptedWorld(RETRIES_LATE);
  const now = Date.now();
  const ago = (ms: number) => new Date(now - ms).toISOString();
  damoov.script('create', refusal(503), createdAsAsked);
  damoov.script('find', (...of) => (damoov.count('create') > 1 ? seenAsAsked(damoov) : nobody)(...of));
  damoov.script('delete', success());
  const back = await world.add('create-user', { clientId: 'c-1', occurredAt: ago(1000) });
  await expect.poll(async () => (await world.jobs.getJob(back))?.isDelayed()).toBe(true);
  const first = await world.run('create-user', { clientId: 'c-1', occurredAt: ago(3000) });
  expect(first.type).toBe('user.created');
  const deletion = await world.add('delete-user', { clientId: 'c-1', occurredAt: ago(2000) });
  await expect.poll(async () => (await world.jobs.getJob(deletion))?.isDelayed()).toBe(true);
  expect(damoov.count('delete')).toBe(0);
  await (await world.jobs.getJob(back))?.promote();
  expect(await world.eventOf(back)).toMatchObject({ type: 'user.created', subject: first.subject });
  // It would look again after five seconds.
  await world.jobs.promoteJobs();
  expect(await world.eventOf(deletion)).toMatchObject({ type: 'user.superseded', data: { by: 'create' } });
  expect(damoov.count('delete')).toBe(0);
});

it('a clientId that has become another user’s since deletes nobody', async () => {
  const world = await createDeletionWorld();
  const [, bert] = [
    await world.run('create-user', { clientId: 'c-1', profile: { firstName: 'Anna' } }),
    await world.run('create-user', { clientId: 'c-9', profile: { firstName: 'Bert' } }),
  ];
  const askedAt = new Date().toISOString();
  await world.run('update-user', { clientId: 'c-1', changes: { clientId: 'c-2' } });
  await world.run('update-user', { userId: bert.data.userId, changes: { clientId: 'c-1' } });
  const event = await world.run('delete-user', { clientId: 'c-1', occurredAt: askedAt });
  expect(event).toMatchObject({ type: 'user.failed', data: { code: 'user-mismatch' } });
  expect(await world.alive()).toEqual(['c-2', 'c-1']);
});

it('the receipt of a deletion whose answer was lost says that there was a user, and when it was due', async () => {
  const world = await createDeletionWorld();
  const { data: created } = await world.run('create-user', { clientId: 'c-1' });
  world.deletes.fault = 'lost';
  const dueAt = Date.now() + 200;
  await world.deletions.schedule({ clientId: 'c-1' }, Date.now() + HOUR_MS);
  const scheduled = await world.deletions.schedule({ clientId: 'c-1' }, dueAt, { reschedules: true });
  if (scheduled === 'too-late') throw new Error('too late');
  const { data } = await world.eventOf(scheduled.jobId);
  const receipt = Receipt.parse('receipt' in data ? data.receipt : undefined);
  expect(receipt).toMatchObject({
    userId: created.userId,
    existed: true,
    scheduledFor: new Date(dueAt).toISOString(),
  });
  expect(receipt.executedAt).toBeDefined();
});

it('an event that one of several queues cannot take is told once by the others, with one receipt', async () => {
  const world = await createDeletionWorld({ EVENTS_QUEUES: 'user-events,audit' });
  const broken = `${world.prefix}:audit:wait`;
  await world.redis.set(broken, 'not a list');
  const jobId = await world.add('delete-user', { clientId: 'c-1' });
  await expect.poll(() => world.logLines.some((line) => line.includes('could not be settled'))).toBe(true);
  await expect.poll(() => world.jobs.getDelayedCount()).toBe(1);
  await world.redis.del(broken);
  await world.jobs.promoteJobs();
  const { data } = await world.eventOf(jobId);
  expect(Receipt.parse('receipt' in data ? data.receipt : undefined).sequence).toBe(1);
  await expect.poll(() => world.jobs.getJobState(jobId)).toBe('completed');
  expect(world.events).toHaveLength(1);
});
