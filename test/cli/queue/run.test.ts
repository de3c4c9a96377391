import { expect, it } from 'vitest';
import { runCommand } from '../../support/run-command.ts';
import { createWorld } from '../../support/world.ts';

it('`queue pause` keeps jobs waiting until `queue resume`, and says what waits', async () => {
  const world = await createWorld();
  const queue = async (...args: string[]) => (await runCommand(['queue', ...args], world.env)).stdout;
  expect(await queue('pause')).toBe('user-jobs is paused: 0 jobs waiting, 0 active\n');
  const jobId = await world.add('create-user', { clientId: 'c-1' });
  expect(await queue('pause')).toBe('user-jobs was paused already: 1 job waiting, 0 active\n');
  expect(await world.requests('create')).toEqual([]);
  expect(await queue('resume')).toMatch(/^user-jobs is not paused: /);
  expect(await world.eventOf(jobId)).toMatchObject({ type: 'user.created' });
  expect(JSON.parse(await queue('resume', '--json'))).toEqual({
    queue: 'user-jobs',
    resumed: true,
    isUnchanged: true,
    waiting: 0,
    active: 0,
  });
});

it('`queue pause` takes an events queue, and refuses one that is not configured', async () => {
  const world = await createWorld();
  const queue = (...args: string[]) => runCommand(['queue', ...args], world.env);
  expect(await queue('pause', '--queue', 'user-events')).toMatchObject({ status: 0 });
  const jobId = await world.add('create-user', { clientId: 'c-1' });
  await expect.poll(async () => (await world.jobs.getJob(jobId))?.finishedOn).toBeDefined();
  expect(world.events).toEqual([]);
  await queue('resume', '--queue', 'user-events');
  expect(await world.eventOf(jobId)).toMatchObject({ type: 'user.created' });
  expect(await queue('pause', '--queue', 'crm')).toMatchObject({
    status: 2,
    stderr: expect.stringContaining('there are user-jobs, user-events'),
  });
});
