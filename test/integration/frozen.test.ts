import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { type WorkerProcess, spawnShortLockedWorker } from '../support/spawn-worker.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { type World, createWorld } from '../support/world.ts';

/** Without a second slot the stopped worker does not wait for work, and takes no wake-up from the one that is awake. */
const ONE_AT_A_TIME = { WORKER_CONCURRENCY: '1' };

/** As the worker that is a process. */
const SHORT_LOCK = { lockMs: 1000 };

const HOUR_MS = 3_600_000;

/** Stops a worker once the sandbox has received so many requests of the kind. */
async function freeze(world: World, [operation, count]: [string, number]) {
  const frozen = spawnShortLockedWorker(world.env);
  await expect.poll(async () => (await world.requests(operation)).length, { interval: 5 }).toBe(count);
  // The answer is on its way: after some more round trips it has arrived, and the worker continues.
  for (let trips = 0; trips < 20; trips += 1) await world.requests();
  frozen.child.kill('SIGSTOP');
  await world.setModes({ latencyMs: 0 });
  return frozen;
}

/** Another worker, which needs not be a process, until it has settled the job. */
async function haveAnotherDo(world: World, jobId: string) {
  const awake = await world.startWorker();
  await world.eventOf(jobId);
  await expect.poll(async () => (await world.jobs.getJob(jobId))?.getState()).toBe('completed');
  await awake.close();
}

/** What a worker sends once it goes on, but for a job of its own that shows that it is at work again. */
async function sentAfterwards(world: World, frozen: WorkerProcess) {
  const before = (await world.requests()).length;
  frozen.child.kill('SIGCONT');
  const next = await world.run('create-user', { clientId: 'next' });
  expect(next.type).toBe('user.created');
  expect(await frozen.stop()).toBe(0);
  return (await world.requests()).slice(before).filter(({ clientId }) => clientId !== 'next');
}

describe('a worker that is stopped past the lock of its job', () => {
  it('between two requests does not send the second, and another one has done the job', async () => {
    let laterMs = 0;
    const sandbox = { clock: () => Date.now() + laterMs };
    const world = await createWorld({
      startsWorker: false,
      env: ONE_AT_A_TIME,
      timings: SHORT_LOCK,
      sandbox,
    });
    await world.signUpElsewhere('c-1');
    await world.setModes({ findLagMs: HOUR_MS });
    const jobId = await world.add('delete-user', { clientId: 'c-1' });
    // The user is looked up, deleted, and seen twice more: now the worker pauses before it looks again.
    const frozen = await freeze(world, ['find', 3]);
    laterMs = HOUR_MS;
    await haveAnotherDo(world, jobId);
    expect(await sentAfterwards(world, frozen)).toEqual([]);
    expect(world.events.filter(({ data }) => data.jobId === jobId)).toHaveLength(1);
  });

  it('while a request is under way sends no other one', async () => {
    const modes = { latencyMs: 300 };
    const world = await createWorld({ startsWorker: false, env: ONE_AT_A_TIME, timings: SHORT_LOCK, modes });
    const jobId = await world.add('create-user', { clientId: 'c-1' });
    const frozen = await freeze(world, ['create', 1]);
    await haveAnotherDo(world, jobId);
    expect(await sentAfterwards(world, frozen)).toEqual([]);
    expect((await world.users()).filter(({ clientId }) => clientId === 'c-1')).toHaveLength(1);
  });
});

describe('a worker that locks its user only once another one has completed the job', () => {
  it('sends nothing, publishes no second event, and leaves the user to the next job', async () => {
    const proxy = await startTcpProxy(inject('redisUrl'));
    onTestFinished(() => proxy.close());
    const world = await createWorld({
      startsWorker: false,
      redisUrlOfWorker: proxy.url,
      timings: SHORT_LOCK,
    });
    const late = await world.startWorker();
    const held = proxy.hold(':settled:late');
    await world.add('create-user', { clientId: 'c-1' }, { jobId: 'late' });
    const pass = await held;
    world.env['REDIS_URL'] = inject('redisUrl');
    await haveAnotherDo(world, 'late');
    const awake = await world.startWorker();
    await world.run('delete-user', { clientId: 'c-1' });
    await awake.close();
    const before = (await world.requests()).length;
    pass();
    await world.run('create-user', { clientId: 'next' });
    expect((await world.requests()).slice(before).filter(({ clientId }) => clientId !== 'next')).toEqual([]);
    const again = await world.run('create-user', { clientId: 'c-1' });
    expect(again.data).not.toHaveProperty('existed');
    await late.close();
    expect(world.events.map(({ type, data }) => [data.jobId, type]).filter(([id]) => id === 'late')).toEqual([
      ['late', 'user.created'],
    ]);
  });
});
