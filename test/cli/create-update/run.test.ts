import { describe, expect, it } from 'vitest';
import { type Waits, runCommand } from '../../support/run-command.ts';
import { OTHER } from '../../support/instances.ts';
import { createTwoInstances } from '../../support/two-instances.ts';
import { type World, createWorld } from '../../support/world.ts';

const USER_ID = '3d0d0165-ec19-8bb6-9018-d49217879e0a';

const run = async ({ env }: World, args: string[], input?: string, waits?: Waits) => {
  const { status, stdout, stderr } = await runCommand(args, env, input, waits);
  return { status, stderr, stdout };
};
const words = (text: string) => text.split(' ');
const jobsIn = async ({ jobs }: World) =>
  (await jobs.getWaiting()).map(({ id, name, data }) => ({ id, name, data: data as unknown }));

describe('`create`', () => {
  it.each([
    [['--instance', 'default'], 'no user is named'],
    [['--client-id', 'c', '--idempotency-key', ''], '--idempotency-key: must not be empty'],
    [['--data', '{"clientId":"secret"}'], 'cannot be read (ENOENT): must be the name of a file, or - for'],
  ])('refuses %j as bad usage, and adds nothing', async (args, message) => {
    const world = await createWorld({ startsWorker: false });
    const { status, stdout, stderr } = await run(world, ['create', ...args]);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain(message);
    expect(stderr).not.toContain('secret');
    expect(await jobsIn(world)).toEqual([]);
  });

  it('adds the job that its options say', async () => {
    const world = await createWorld({ startsWorker: false });
    const { status, stdout } = await run(world, [
      ...words(`create --client-id c-1 --user-id ${USER_ID} --instance default --access-token --json`),
      ...words('--occurred-at 2026-01-31T12:00:00Z --correlation-id r-1'),
    ]);
    const data = {
      clientId: 'c-1',
      userId: USER_ID,
      instance: 'default',
      createAccessToken: true,
      occurredAt: '2026-01-31T12:00:00Z',
      correlationId: 'r-1',
    };
    const { jobId } = JSON.parse(stdout) as { jobId: string };
    expect([status, await jobsIn(world)]).toEqual([0, [{ id: jobId, name: 'create-user', data }]]);
  });

  it('takes personal data from the standard input, and options on top', async () => {
    const world = await createWorld({ startsWorker: false });
    const input = JSON.stringify({ clientId: 'c-1', profile: { firstName: 'Ada', phone: '1' } });
    const { stdout } = await run(world, ['create', '--data', '-', '--client-id', 'c-2'], input);
    const [job] = await jobsIn(world);
    expect(job?.data).toEqual({ clientId: 'c-2', profile: { firstName: 'Ada', phone: '1' } });
    expect(stdout).toBe(`added: ${job?.id}\n`);
  });

  it('with the same key adds one job', async () => {
    const world = await createWorld({ startsWorker: false });
    const add = () => run(world, ['create', '--client-id', 'c-1', '--idempotency-key', 'k-1']);
    expect((await add()).stdout).toBe((await add()).stdout);
    expect(await jobsIn(world)).toHaveLength(1);
  });

  it('with --wait prints the event, with its tokens', async () => {
    const world = await createWorld();
    const args = ['create', '--client-id', 'c-1', '--access-token', '--wait'];
    const { status, stdout } = await run(world, args);
    const { type, data } = JSON.parse(stdout) as { type: string; data: { jobId: string } };
    const event = await world.eventOf(data.jobId);
    expect([status, type, data]).toEqual([0, 'user.created', event.data]);
    expect(data).toMatchObject({ clientId: 'c-1', accessToken: expect.any(String) });
  });

  it('with --wait exits with 1 where it fails, or does not end in time', async () => {
    const world = await createWorld();
    const late = await run(
      await createWorld({ startsWorker: false }),
      words('create --client-id c-1 --wait --timeout 50ms'),
    );
    expect(late).toMatchObject({
      status: 1,
      stdout: '',
      stderr: expect.stringContaining('has not ended within 0.05 s (--timeout)'),
    });
    await world.run('delete-user', { clientId: 'c-1' });
    const args = ['create', '--client-id', 'c-1', '--occurred-at', '2020-01-01T00:00:00Z', '--wait'];
    const { status, stdout } = await run(world, args);
    expect([status, JSON.parse(stdout)]).toMatchObject([1, { type: 'user.superseded' }]);
  });

  it.each([
    ['data that is no JSON', ['--data', '-'], '{"clientId": "a secret"', '--data: is not JSON'],
    ['data that is no object', ['--data', '-'], '["a secret"]', '--data: must be a JSON object'],
    ['data that is not there', ['--data', 'none.json'], '', '--data: cannot be read (ENOENT)'],
    ['a misspelt field', ['--data', '-'], '{"FirstName":"a secret"}', 'did you mean profile.firstName?'],
    ['an option that is no time', ['--client-id', 'c-1', '--occurred-at', 'today'], '', 'occurredAt: '],
    ['an instance that nobody configured', ['--client-id', 'c-1', '--instance', 'x'], '', 'no such instance'],
  ])('with %s adds nothing and exits with 2', async (_title, args, input, told) => {
    const world = await createWorld({ startsWorker: false });
    const { status, stdout, stderr } = await run(world, ['create', ...args], input);
    expect({ status, stdout, stderr }).toMatchObject({
      status: 2,
      stdout: '',
      stderr: expect.stringContaining(told),
    });
    expect(stderr).not.toContain('secret');
    expect(await jobsIn(world)).toEqual([]);
  });

  it('says that Redis is away, and exits with 1', async () => {
    const world = await createWorld({ startsWorker: false });
    const away = { ...world, env: { ...world.env, REDIS_URL: 'redis://127.0.0.1:1' } };
    const { status, stderr } = await run(away, ['create', '--client-id', 'c-1'], '', { reachMs: 1000 });
    expect([status, stderr]).toEqual([1, 'Redis is away (127.0.0.1:1): ECONNREFUSED\n']);
  });
});

describe('`update`', () => {
  it('sets and clears what its options say, and prints the event', async () => {
    const world = await createWorld();
    await world.run('create-user', { clientId: 'c-1', profile: { firstName: 'Ada', email: 'a@b' } });
    const { status, stdout } = await run(
      world,
      words('update --client-id c-1 --data - --new-client-id c-2 --clear email phone --wait'),
      '{"changes":{"firstName":"Eva"}}',
    );
    expect([status, JSON.parse(stdout)]).toMatchObject([0, { type: 'user.updated' }]);
    expect(await world.users()).toMatchObject([{ clientId: 'c-2', firstName: 'Eva', email: null }]);
  });

  it.each([
    ['nothing to change', ['--client-id', 'c-1'], 'changes: must change something'],
    ['nobody to change', ['--clear', 'phone'], 'needs clientId or userId'],
    ['a field that there is not', ['--client-id', 'c-1', '--clear', 'age'], 'Allowed choices are firstName'],
  ])('with %s adds nothing and exits with 2', async (_title, args, told) => {
    const world = await createWorld({ startsWorker: false });
    const { status, stderr } = await run(world, ['update', ...args]);
    expect({ status, stderr }).toMatchObject({ status: 2, stderr: expect.stringContaining(told) });
    expect(await jobsIn(world)).toEqual([]);
  });
});

describe('settings and status', () => {
  it('are set each for itself, on top of the data', async () => {
    const world = await createWorld({ startsWorker: false });
    const changes = { city: 'x', settings: { tracking: true, logging: true } };
    const input = JSON.stringify({ clientId: 'c-1', changes });
    const args = words('update --data - --turn-off logging --turn-on enabled');
    expect((await run(world, args, input)).status).toBe(0);
    const sign = JSON.stringify({ clientId: 'c-2', settings: { tracking: true } });
    await run(world, words('create --data - --turn-off logging'), sign);
    const data = (await jobsIn(world)).map((job) => job.data);
    expect(data).toContainEqual({
      clientId: 'c-1',
      changes: { city: 'x', settings: { tracking: true, logging: false, enabled: true } },
    });
    expect(data).toContainEqual({ clientId: 'c-2', settings: { tracking: true, logging: false } });
  });

  it('cannot be turned on and off at once', async () => {
    const world = await createWorld({ startsWorker: false });
    const { status, stderr } = await run(
      world,
      words('update --client-id c --turn-on logging --turn-off logging'),
    );
    expect([status, await jobsIn(world)]).toEqual([2, []]);
    expect(stderr).toContain('--turn-off logging');
  });

  it('suspend and resume a user', async () => {
    const world = await createWorld({ modes: { findLagMs: 0 } });
    await world.run('create-user', { clientId: 'c-1' });
    const statusOf = async () => (await world.users()).map((user) => (user as { status?: string }).status);
    expect((await run(world, words('suspend --client-id c-1 --wait'))).status).toBe(0);
    expect(await statusOf()).toEqual(['Inactive']);
    expect((await run(world, words('resume --client-id c-1 --wait'))).status).toBe(0);
    expect(await statusOf()).toEqual(['Active']);
    expect((await run(world, ['suspend'])).status).toBe(2);
  });
});

describe('`move`', () => {
  it('moves a user to another configured instance, and refuses one that is not', async () => {
    const world = await createTwoInstances();
    const { subject } = await world.run('create-user', { clientId: 'c-1' });
    const { status, stdout } = await run(world, words('move --client-id c-1 --to other --wait --json'));
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      type: 'user.moved',
      data: { userId: subject, fromInstance: 'default', toInstance: 'other' },
    });
    expect(await world.users()).toMatchObject([{ deviceToken: subject, instanceId: OTHER.id }]);
    const unknown = await run(world, words('move --client-id c-1 --to us'));
    expect([unknown.status, unknown.stderr]).toEqual([2, expect.stringContaining('--to: there is no such')]);
    expect((await run(world, words('move --client-id c-1'))).status).toBe(2);
  });
});
