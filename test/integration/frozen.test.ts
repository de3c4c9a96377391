import { describe, expect, it } from 'vitest';
import { type WorkerProcess, spawnShortLockedWorker } from '../support/spawn-worker.ts';
import { type World, createWorld } from '../support/world.ts';

/** Without a second slot the stopped worker does not wait for work, and takes no wake-up from the one that is awake. */
const ONE_AT_A_TIME = { WORKER_CONCURRENCY: '1' };

/** Stops a worker once the sandbox has received so many requests of the kind, until another one has settled the job. */
async function freezePastTheLock(world: World, jobId: string, [operation, count]: [string, number]) {
  const frozen = spawnShortLockedWorker(world.env);
  await expect.poll(async () => (await world.requests(operation)).length, { interval: 5 }).toBe(count);
  // The answer is on its way: after some more round trips it has arrived, and the worker is about what comes next.
  for (let trips = 0; trips < 20; trips += 1) await world.requests();
  frozen.child.kill('SIGSTOP');
  await world.setModes({ latencyMs: 0 });
  const awake = spawnShortLockedWorker(world.env);
  await world.eventOf(jobId);
  await expect.poll(async () => (await world.jobs.getJob(jobId))?.getState()).toBe('completed');
  awake.child.kill('SIGTERM');
  expect(await awake.exit).toBe(0);
  return frozen;
}

/** What a worker sends once it goes on, but for a job of its own that shows that it is at work again. */
async function sentAfterwards(world: World, frozen: WorkerProcess) {
  const before = (await world.requests()).length;
  frozen.child.kill('SIGCONT');
  const next = await world.run('create-user', { clientId: 'next' });
  expect(next.type).toBe('user.created');
  frozen.child.kill('SIGTERM');
  expect(await frozen.exit).toBe(0);
  return (await world.requests()).slice(before).filter(({ clientId }) => clientId !== 'next');
}

describe('a worker that is stopped past the lock of its job', () => {
  it('between two requests does not send the second, and another one has done the job', async () => {
    const world = await createWorld({ startsWorker: false, env: ONE_AT_A_TIME });
    await world.signUpElsewhere('c-1');
    await world.setModes({ findLagMs: 1500 });
    const jobId = await world.add('delete-user', { clientId: 'c-1' });
    // The user is looked up, deleted, and seen twice more: now the worker pauses before it looks again.
    const frozen = await freezePastTheLock(world, jobId, ['find', 3]);
    expect(await sentAfterwards(world, frozen)).toEqual([]);
    expect(world.events.filter(({ data }) => data.jobId === jobId)).toHaveLength(1);
  });

  it('while a request is under way sends no other one', async () => {
    const world = await createWorld({ startsWorker: false, env: ONE_AT_A_TIME, modes: { latencyMs: 300 } });
    const jobId = await world.add('create-user', { clientId: 'c-1' });
    const frozen = await freezePastTheLock(world, jobId, ['create', 1]);
    expect(await sentAfterwards(world, frozen)).toEqual([]);
    expect((await world.users()).filter(({ clientId }) => clientId === 'c-1')).toHaveLength(1);
  });
});
