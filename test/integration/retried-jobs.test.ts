import { FlowProducer, type JobsOptions } from 'bullmq';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type World, createWorld } from '../support/world.ts';

const eventsOf = ({ events }: World, jobId: string) => events.filter(({ data }) => data.jobId === jobId);
const runsOf = ({ logLines }: World, jobId: string) =>
  logLines.filter((line) => line.includes(`"jobId":"${jobId}"`));
const stateOf = ({ jobs }: World, jobId: string) => expect.poll(() => jobs.getJobState(jobId));

/** One event more, so that whatever was published before it has come. */
async function untilNow(world: World): Promise<void> {
  await world.run('update-user', { clientId: 'nobody', instance: 'unheard-of', changes: { phone: '1' } });
}

describe('a completed job that is retried by hand', () => {
  const clientId = 'c-1';
  it.each([
    ['create-user', { clientId, profile: { firstName: 'Ada' } }],
    ['update-user', { clientId, changes: { phone: '1' } }],
    ['delete-user', { clientId }],
    ['update-user', { clientId, changes: { phone: '1' }, occurredAt: '2020-01-01T00:00:00Z' }],
  ])('calls Damoov not at all, publishes nothing, and completes as before: %s %j', async (name, data) => {
    const world = await createWorld();
    await world.run('create-user', { clientId });
    await world.run('update-user', { clientId, changes: { phone: '0' } });
    const jobId = await world.add(name, data);
    const event = await world.eventOf(jobId);
    await stateOf(world, jobId).toBe('completed');
    const before = await world.requests();
    const job = await world.jobs.getJob(jobId);
    await job?.retry('completed', { resetAttemptsMade: true });
    await expect.poll(() => runsOf(world, jobId)).toHaveLength(2);
    await stateOf(world, jobId).toBe('completed');
    expect((await world.jobs.getJob(jobId))?.returnvalue).toEqual(event.data);
    await untilNow(world);
    expect(eventsOf(world, jobId)).toEqual([event]);
    expect(await world.requests()).toEqual(before);
  });

  it('stays so however often, and with all others at once', async () => {
    const world = await createWorld();
    const event = await world.run('create-user', { clientId });
    const { jobId } = event.data;
    for (const runs of [2, 3]) {
      await stateOf(world, jobId).toBe('completed');
      await world.jobs.retryJobs({ state: 'completed' });
      await expect.poll(() => runsOf(world, jobId)).toHaveLength(runs);
    }
    await untilNow(world);
    expect(eventsOf(world, jobId)).toEqual([event]);
    expect(await world.requests('create')).toHaveLength(1);
  });
});

describe('a job of which Redis has nothing but the id', () => {
  it('ends once, with a line of the log and an event that name it', async () => {
    const world = await createWorld({ startsWorker: false });
    const jobId = await world.add('create-user', { clientId: 'c-1' });
    await world.redis.del(world.jobs.toKey(jobId));
    await world.startWorker();
    const said = expect.stringContaining('Redis keeps no data of the job');
    expect(await world.eventOf(jobId)).toMatchObject({
      type: 'user.failed',
      data: { jobId, operation: 'unknown', code: 'invalid-job', message: said },
    });
    await stateOf(world, jobId).toBe('failed');
    expect(runsOf(world, jobId).map((line): unknown => JSON.parse(line))).toMatchObject([
      { msg: 'job failed', reason: said },
    ]);
    expect(await world.jobs.getJobCounts('active', 'wait', 'delayed')).toEqual({
      active: 0,
      wait: 0,
      delayed: 0,
    });
  });
});

describe('the parent of a flow', () => {
  const queueName = 'user-jobs';
  const data = { clientId: 'c-1', profile: { firstName: 'Ada' } };
  const bad = { name: 'create-user', data: { bad: 1 } };

  async function addFlow(world: World, child: { name: string; data: object; opts?: JobsOptions }) {
    const flows = new FlowProducer({ connection: world.redis, prefix: world.prefix });
    flows.on('error', () => undefined);
    onTestFinished(() => flows.close());
    const flow = await flows.add({
      name: 'create-user',
      queueName,
      data,
      children: [{ queueName, ...child }],
    });
    return { parentId: flow.job.id ?? '', childId: flow.children?.[0]?.job.id ?? '' };
  }

  it('that fails with its child is settled like any other: its data encrypted, with its event', async () => {
    const world = await createWorld();
    const { parentId, childId } = await addFlow(world, { ...bad, opts: { failParentOnFailure: true } });
    expect(await world.eventOf(parentId)).toMatchObject({
      type: 'user.failed',
      data: { clientId: 'c-1', code: 'retries-exhausted', message: expect.stringContaining('child') },
    });
    await stateOf(world, parentId).toBe('failed');
    const [data, reason] = await world.redis.hmget(world.jobs.toKey(parentId), 'data', 'failedReason');
    expect(data).toMatch(/^\{"clientId":"c-1","instance":"default","encrypted":"1\./);
    expect(reason).toMatch(/^retries-exhausted: /);
    expect(await world.requests()).toEqual([]);
    await untilNow(world);
    expect([eventsOf(world, childId), eventsOf(world, parentId)].map(({ length }) => length)).toEqual([1, 1]);
  });

  it('is not carried out if it is retried while its child has still failed', async () => {
    const world = await createWorld();
    const { parentId } = await addFlow(world, { ...bad, opts: { failParentOnFailure: true } });
    for (const runs of [1, 2]) {
      await expect.poll(() => eventsOf(world, parentId)).toHaveLength(runs);
      await stateOf(world, parentId).toBe('failed');
      if (runs === 1) await (await world.jobs.getJob(parentId))?.retry('failed', { resetAttemptsMade: true });
    }
    const [first, again] = eventsOf(world, parentId);
    expect([again?.id, await world.requests()]).toEqual([first?.id, []]);
  });

  it('is carried out with all its data once its child was retried and is done', async () => {
    const world = await createWorld();
    const timestamp = Date.now() - 3_600_000;
    const child = { name: 'update-user', data: { clientId: 'c-2', changes: { phone: '1' } } };
    const opts = { failParentOnFailure: true, timestamp };
    const { parentId, childId } = await addFlow(world, { ...child, opts });
    await world.eventOf(parentId);
    await stateOf(world, parentId).toBe('failed');
    await world.run('create-user', { clientId: 'c-2' });
    await (await world.jobs.getJob(childId))?.retry('failed', { resetAttemptsMade: true });
    await stateOf(world, childId).toBe('completed');
    await (await world.jobs.getJob(parentId))?.retry('failed', { resetAttemptsMade: true });
    await stateOf(world, parentId).toBe('completed');
    expect(eventsOf(world, parentId).map(({ type }) => type)).toEqual(['user.failed', 'user.created']);
    expect(await world.users()).toMatchObject([{ clientId: 'c-2' }, { clientId: 'c-1', firstName: 'Ada' }]);
  });

  it('that does not depend on how its child ends is carried out', async () => {
    const world = await createWorld();
    const { parentId } = await addFlow(world, { ...bad, opts: { ignoreDependencyOnFailure: true } });
    expect(await world.eventOf(parentId)).toMatchObject({ type: 'user.created' });
  });
});
