import { FlowProducer } from 'bullmq';
import { describe, expect, it } from 'vitest';
import { type Deletions, createDeletions } from '../../src/store/deletions/deletions.ts';
import { type Answer, gated, refusal, success } from '../damoov/scripted-server.ts';
import { createScriptedWorld, createdAsAsked, nobody, seen, seenAsAsked } from '../support/scripted-world.ts';
import { type World, type WorldOptions, createWorld } from '../support/world.ts';

const DAY_MS = 24 * 3600 * 1000;

async function createDeletionWorld(options?: WorldOptions) {
  const world = await createWorld(options);
  const deletions = createDeletions({ jobs: world.jobs, prefix: world.prefix });
  return {
    ...world,
    deletions,
    /** A deletion of the user, and the id of its job. */
    schedule: (clientId: string, dueAt = Date.now() + DAY_MS) => scheduleIn(deletions, clientId, dueAt),
  };
}

/** A Damoov whose answer comes when the test says so. */
async function createHeldUpWorld() {
  const { world, damoov } = await createScriptedWorld();
  return {
    world,
    deletions: createDeletions({ jobs: world.jobs, prefix: world.prefix }),
    damoov: {
      ...damoov,
      holdUp(operation: 'find' | 'delete', answer: Answer) {
        const circuit = gated(answer);
        damoov.script(operation, circuit.answer);
        return circuit;
      },
    },
  };
}

async function scheduleIn(deletions: Deletions, clientId: string, dueAt: number): Promise<string> {
  const scheduled = await deletions.schedule({ clientId }, dueAt);
  if (scheduled === 'too-late') throw new Error('too late');
  return scheduled.jobId;
}

const C1 = { clientId: 'c-1' };
const USER_ID = '0d9c1f0e-5c1b-4a5e-9d58-5a1f4f1f7a10';

const CANCELLED = { type: 'user.superseded', data: { operation: 'delete-user', by: 'cancellation' } };

describe('a scheduled deletion', () => {
  it('is carried out when it is due, and done from then on', async () => {
    const world = await createDeletionWorld();
    const userId = await world.signUpElsewhere('c-1');
    const jobId = await world.schedule('c-1', Date.now() + 50);
    expect(await world.eventOf(jobId)).toMatchObject({
      type: 'user.deleted',
      data: { userId, existed: true },
    });
    await expect.poll(async () => (await world.jobs.getJob(jobId))?.getState()).toBe('completed');
    expect(await world.deletions.cancel({ clientId: 'c-1' })).toBe('done');
    expect(await world.deletions.cancel({ userId })).toBe('done');
  });

  it('that is cancelled ends with its one event, and Damoov is not called', async () => {
    const world = await createDeletionWorld();
    await world.signUpElsewhere('c-1');
    const jobId = await world.schedule('c-1');
    const before = (await world.requests()).length;
    expect(await world.deletions.cancel({ clientId: 'c-1' })).toBe('cancelled');
    expect(await world.eventOf(jobId)).toMatchObject(CANCELLED);
    expect(await world.requests()).toHaveLength(before);
    expect(world.events).toHaveLength(1);
  });

  it('that is cancelled while its user is looked up is not sent', async () => {
    const { world, damoov, deletions } = await createHeldUpWorld();
    const finding = damoov.holdUp('find', seen(USER_ID));
    const jobId = await scheduleIn(deletions, 'c-1', Date.now());
    await damoov.hasReceived('find', 1);
    expect(await deletions.cancel({ clientId: 'c-1' })).toBe('cancelled');
    finding.open();
    expect(await world.eventOf(jobId)).toMatchObject(CANCELLED);
    expect(damoov.count('delete')).toBe(0);
  });

  it('of nobody that is cancelled in time ends as cancelled', async () => {
    const { world, damoov, deletions } = await createHeldUpWorld();
    const finding = damoov.holdUp('find', nobody);
    const jobId = await scheduleIn(deletions, 'c-1', Date.now());
    await damoov.hasReceived('find', 1);
    expect(await deletions.cancel({ clientId: 'c-1' })).toBe('cancelled');
    finding.open();
    expect(await world.eventOf(jobId)).toMatchObject(CANCELLED);
  });

  it('that was sent once is carried out in the end, whatever it meets, and is too late to cancel', async () => {
    const { world, damoov, deletions } = await createHeldUpWorld();
    let isGone = false;
    damoov.script('find', (...of) => (isGone ? nobody : seen(USER_ID))(...of));
    const deleting = damoov.holdUp('delete', refusal(503));
    const jobId = await scheduleIn(deletions, 'c-1', Date.now());
    await damoov.hasReceived('delete', 1);
    expect(await deletions.cancel({ clientId: 'c-1' })).toBe('too-late');
    deleting.open();
    await damoov.hasReceived('delete', 2);
    expect(await deletions.cancel({ clientId: 'c-1' })).toBe('too-late');
    damoov.script('delete', (...of) => {
      isGone = true;
      return success()(...of);
    });
    expect(await world.eventOf(jobId)).toMatchObject({ type: 'user.deleted', data: { userId: USER_ID } });
  });

  it('that is cancelled while it waits before an open circuit ends all the same', async () => {
    const hour = { firstMs: 3_600_000, lastMs: 3_600_000 };
    const world = await createDeletionWorld({
      env: { DAMOOV_ADMIN_PASSWORD: 'wrong' },
      timings: { probes: { credential: hour, outage: hour } },
    });
    const jobId = await world.schedule('c-1', Date.now());
    await expect.poll(() => world.redis.zscore(`${world.prefix}:circuit:admin:held`, jobId)).not.toBeNull();
    expect(await world.deletions.cancel({ clientId: 'c-1' })).toBe('cancelled');
    expect(await world.eventOf(jobId)).toMatchObject(CANCELLED);
  });

  it('that is cancelled while another job has its user ends at once', async () => {
    const { world, damoov, deletions } = await createHeldUpWorld();
    damoov.script('create', createdAsAsked);
    const created = await world.run('create-user', { clientId: 'c-1' });
    const finding = damoov.holdUp('find', seen(created.data.userId ?? ''));
    const changing = await world.add('update-user', { clientId: 'c-1', changes: { nickname: 'x' } });
    await damoov.hasReceived('find', 1);
    const jobId = await scheduleIn(deletions, 'c-1', Date.now());
    await expect.poll(async () => (await world.jobs.getJob(jobId))?.getState()).toBe('delayed');
    expect(await deletions.cancel({ clientId: 'c-1' })).toBe('cancelled');
    expect(await world.eventOf(jobId)).toMatchObject(CANCELLED);
    damoov.script('update', success());
    finding.open();
    expect((await world.eventOf(changing)).type).toBe('user.updated');
    expect((await world.run('create-user', { clientId: 'c-1' })).data).toMatchObject({ existed: true });
  });

  it('that a return has undone is none, and counts when it is asked for again', async () => {
    const world = await createDeletionWorld();
    const scheduleYesterday = async () => {
      const jobId = await world.schedule('c-1');
      await world.redis.hset(world.jobs.toKey(jobId), 'timestamp', Date.now() - DAY_MS);
      return jobId;
    };
    await world.run('create-user', { clientId: 'c-1' });
    const undone = await scheduleYesterday();
    await world.run('create-user', { clientId: 'c-1' });
    expect(await world.deletions.reschedule({ clientId: 'c-1' }, Date.now())).toMatchObject({ is: 'moved' });
    expect(await world.eventOf(undone)).toMatchObject({ type: 'user.superseded', data: { by: 'create' } });
    await expect.poll(async () => (await world.jobs.getJob(undone))?.getState()).toBe('completed');
    expect(await world.deletions.cancel({ clientId: 'c-1' })).toBe('none');

    const first = await scheduleYesterday();
    await world.run('create-user', { clientId: 'c-1' });
    expect(await world.schedule('c-1')).toBe(first);
    await world.deletions.reschedule({ clientId: 'c-1' }, Date.now());
    expect(await world.eventOf(first)).toMatchObject({ type: 'user.deleted', data: { existed: true } });
  });

  it('that is cancelled leaves a user who can be changed and signed up at once', async () => {
    const { world, damoov, deletions } = await createHeldUpWorld();
    damoov.script('create', createdAsAsked);
    damoov.script('update', success());
    await world.run('create-user', { clientId: 'c-1' });
    const finding = damoov.holdUp('find', seenAsAsked(damoov));
    const jobId = await scheduleIn(deletions, 'c-1', Date.now());
    await damoov.hasReceived('find', 1);
    expect(await deletions.cancel({ clientId: 'c-1' })).toBe('cancelled');
    finding.open();
    expect(await world.eventOf(jobId)).toMatchObject(CANCELLED);
    const changes = { nickname: 'still here' };
    expect((await world.run('update-user', { clientId: 'c-1', changes })).type).toBe('user.updated');
    expect((await world.run('create-user', { clientId: 'c-1' })).data).toMatchObject({ existed: true });
    expect(damoov.count('delete')).toBe(0);
  });

  it('under each id of a user deletes the user once, and the other finds nobody', async () => {
    const world = await createDeletionWorld();
    const userId = await world.signUpElsewhere('c-1');
    const byClient = await world.schedule('c-1', Date.now());
    expect((await world.eventOf(byClient)).type).toBe('user.deleted');
    const byUser = await world.add('delete-user', { userId });
    expect(await world.eventOf(byUser)).toMatchObject({ type: 'user.deleted', data: { existed: false } });
  });
});

describe('a delayed deletion of another BullMQ client', () => {
  it('is void though nobody knows of it, and is cancelled like our own once it has begun', async () => {
    const { world, damoov, deletions } = await createHeldUpWorld();
    const later = await world.add('delete-user', { clientId: 'c-1' }, { delay: DAY_MS });
    expect(await deletions.cancel({ clientId: 'c-1' })).toBe('none');
    await (await world.jobs.getJob(later))?.promote();
    expect(await world.eventOf(later)).toMatchObject(CANCELLED);

    const finding = damoov.holdUp('find', seen(USER_ID));
    const now = await world.add('delete-user', { userId: USER_ID });
    await damoov.hasReceived('find', 1);
    expect(await deletions.cancel({ userId: USER_ID })).toBe('cancelled');
    finding.open();
    expect(await world.eventOf(now)).toMatchObject(CANCELLED);
    expect(damoov.count('delete')).toBe(0);
  });

  it.each<[string, (world: World) => Promise<string>]>([
    [
      'a job id like ours',
      (world) => world.add('delete-user', C1, { jobId: `del-${USER_ID}`, delay: DAY_MS }),
    ],
    ['half an emoji', (world) => world.add('delete-user', { ...C1, reason: '\ud83d' }, { delay: DAY_MS })],
    [
      'a child in a flow',
      async ({ redis, prefix }) => {
        const child = { name: 'create-user', queueName: 'user-jobs', data: { clientId: 'c-2' } };
        const parent = { name: 'delete-user', queueName: 'user-jobs', data: C1 };
        const children = [{ ...child, opts: { delay: DAY_MS } }];
        return (
          (await new FlowProducer({ connection: redis, prefix }).add({ ...parent, children })).job.id ?? ''
        );
      },
    ],
    [
      'a job scheduler',
      async ({ jobs }) => {
        const every = { every: DAY_MS, startDate: Date.now() + DAY_MS };
        return (await jobs.upsertJobScheduler('s-1', every, { name: 'delete-user', data: C1 })).id ?? '';
      },
    ],
  ])('with %s is void, and its user lives', async (_title, add) => {
    const world = await createDeletionWorld();
    await world.signUpElsewhere('c-1');
    const id = await add(world);
    expect(await world.deletions.cancel(C1)).toBe('none');
    await world.jobs.promoteJobs();
    expect(await world.eventOf(id)).toMatchObject(CANCELLED);
    expect(await world.requests('delete')).toEqual([]);
  });
});
