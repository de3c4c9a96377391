import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { hostname, userInfo } from 'node:os';
import { Queue } from 'bullmq';
import { expect, it, onTestFinished } from 'vitest';
import { runCommand, startCommand } from '../../support/run-command.ts';
import { type World, createWorld } from '../../support/world.ts';

const WHO = `${userInfo().username}@${hostname()}`;

async function run(world: World, ...args: string[]) {
  return runCommand(args, world.env);
}

async function actions(world: World, ...args: string[]) {
  const { stdout } = await run(world, 'audit', 'list', '--json', ...args);
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as object);
}

it('`audit list` says that nothing is recorded', async () => {
  const world = await createWorld({ startsWorker: false });
  expect(await run(world, 'audit', 'list')).toEqual({
    status: 0,
    stdout: 'No action is recorded; each is kept for a year.\n',
    stderr: '',
  });
});

it('every command that changes something is recorded with who, what, how many, chosen by what, and why', async () => {
  const world = await createWorld();
  const failing = await world.add('create-user', { clientId: 'c-1', instance: 'mars' });
  await expect.poll(async () => (await world.jobs.getJob(failing))?.getState()).toBe('failed');
  const why = ['--reason', 'ticket 7'];
  await run(world, 'failed', 'retry', '--code', 'unknown-instance', '--yes', ...why);
  await expect.poll(async () => (await world.jobs.getJob(failing))?.getState()).toBe('failed');
  await run(world, 'failed', 'drop', '--id', failing, '--yes');
  await run(world, 'queue', 'pause', ...why);
  await run(world, 'queue', 'resume');
  await run(world, 'delete', '--client-id', 'c-1', '--in', '30d');
  await run(world, 'deletions', 'reschedule', '--client-id', 'c-1', '--at', '2030-01-01T00:00:00Z');
  await run(world, 'deletions', 'cancel', '--client-id', 'c-1', ...why);
  const by = { who: WHO, from: 'command', count: 1 };
  expect(await actions(world)).toMatchObject([
    { ...by, what: 'failed retry', filter: { code: ['unknown-instance'] }, reason: 'ticket 7' },
    { ...by, what: 'failed drop', filter: { id: [failing] } },
    { ...by, what: 'queue pause', filter: { queue: 'user-jobs' }, reason: 'ticket 7' },
    { ...by, what: 'queue resume', filter: { queue: 'user-jobs' } },
    { ...by, what: 'deletions reschedule', filter: { clientId: 'c-1', dueAt: '2030-01-01T00:00:00.000Z' } },
    { ...by, what: 'deletions cancel', filter: { clientId: 'c-1' }, reason: 'ticket 7' },
  ]);
  const { stdout } = await run(world, 'audit', 'list', '-n', '1');
  expect(stdout).toMatch(
    /^\d{4}-\S+Z {2}\S+@\S+ {2}command {2}deletions cancel {2}1 {2}clientId=c-1 {2}"ticket 7"\n$/,
  );
});

it('what is only listed, refused or confirmed by nobody is not recorded', async () => {
  const world = await createWorld();
  const failing = await world.add('create-user', { clientId: 'c-1', instance: 'mars' });
  await expect.poll(async () => (await world.jobs.getJob(failing))?.getState()).toBe('failed');
  await run(world, 'failed', 'list');
  await run(world, 'failed', 'drop');
  await run(world, 'failed', 'drop', '--id', 'nobody', '--yes');
  await run(world, 'deletions', 'release', '--yes');
  await run(world, 'queue', 'pause', '--queue', 'unknown');
  await run(world, 'deletions', 'reschedule', '--client-id', 'c-1', '--at', '2090-01-01T00:00:00Z');
  expect(await actions(world)).toEqual([]);
});

it('what another version has written is left out', async () => {
  const world = await createWorld();
  await world.redis.xadd(`${world.prefix}:audit`, '*', 'what', 'queue pause', 'filter', 'x', 'from', 'api');
  await run(world, 'queue', 'pause');
  expect(await actions(world)).toMatchObject([{ what: 'queue pause', filter: { queue: 'user-jobs' } }]);
});

it('where an action cannot be recorded, it is not done', async () => {
  const world = await createWorld();
  await world.redis.set(`${world.prefix}:audit`, 'no stream');
  const { status } = await run(world, 'queue', 'pause');
  expect(status).toBe(1);
  expect(await world.jobs.isPaused()).toBe(false);
});

it('`audit list --follow` shows new ones', async () => {
  const world = await createWorld({ startsWorker: false });
  const waits = {
    clock: {
      now: () => performance.now(),
      pause: async () => new Promise<void>((resolve) => void setTimeout(resolve, 5)),
    },
  };
  const command = startCommand(['audit', 'list', '--follow', '--json'], world.env, '', waits);
  const lines = createInterface({ input: command.stdout });
  const first = once(lines, 'line');
  await run(world, 'queue', 'pause');
  expect(JSON.parse(String((await first)[0]))).toMatchObject({ what: 'queue pause' });
  command.signal('SIGINT');
  expect(await command.exit).toBe(0);
});

it('each action is an event on AUDIT_QUEUE, where that is set', async () => {
  const world = await createWorld({ startsWorker: false });
  const queue = new Queue('audit', { connection: world.redis, prefix: world.prefix });
  onTestFinished(() => queue.close());
  await runCommand(['queue', 'pause', '--reason', 'ticket 7'], { ...world.env, AUDIT_QUEUE: 'audit' });
  const [job] = await queue.getWaiting();
  const [entry] = (await actions(world)) as { id: string; at: number }[];
  expect(job?.data).toEqual({
    specversion: '1.0',
    id: `audit/${entry?.id}`,
    source: `/damoov-users/${world.prefix.replaceAll(/[{}]/g, '')}/audit`,
    type: 'operator.action',
    time: new Date(entry?.at ?? 0).toISOString(),
    datacontenttype: 'application/json',
    data: {
      what: 'queue pause',
      filter: { queue: 'user-jobs' },
      count: 1,
      who: WHO,
      from: 'command',
      reason: 'ticket 7',
    },
  });
});
