import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { createDeletions } from '../../../src/store/deletions/deletions.ts';
import { runCommand, startCommand } from '../../support/run-command.ts';
import { type World, RETRIES_LATE, createWorld } from '../../support/world.ts';

const DAY_MS = 24 * 3600 * 1000;
const LATER = '2038-01-19T03:14:08Z';

const command = async ({ env }: World, ...args: string[]) => {
  const { status, stdout, stderr } = await runCommand(args, env);
  return { status, stderr, lines: stdout.split('\n').filter((line) => line !== '') };
};
const json = async (world: World, ...args: string[]) => {
  const { status, lines } = await command(world, ...args, '--json');
  return { status, told: lines.map((line) => JSON.parse(line) as Record<string, unknown>) };
};

it.each([
  ['is held', { DELETIONS_PER_HOUR: '0' }, 0, 'held by the deletion limit'],
  ['was begun and is tried again', RETRIES_LATE, 1, 'begun, and waits (see user)'],
])('`deletions list` gives no due time to one that %s', async (_, env, errorRate, text) => {
  const world = await createWorld({ env });
  await world.run('create-user', { clientId: 'c-1' });
  await world.setModes({ errorRate, errorStatus: 500 });
  await world.add('delete-user', { clientId: 'c-1' });
  await expect
    .poll(async () => (await command(world, 'deletions', 'list')).lines.at(1))
    .toContain(`-\t${text}, added by another client\tdefault\tc-1\t`);
  const { told } = await json(world, 'deletions', 'list');
  expect(told).toMatchObject([{ clientId: 'c-1' }]);
  expect(told[0]).not.toHaveProperty('dueAt');
});

describe('`delete`', () => {
  it('schedules, reports what is pending, and moves it if requested', async () => {
    const world = await createWorld({ startsWorker: false });
    const args = ['delete', '--client-id', 'c-1', '--reason', 'closed', '--correlation-id', 'r-1'];
    const first = await json(world, ...args, '--in', '30d');
    expect(first).toMatchObject({ status: 0, told: [{ is: 'scheduled' }] });
    const again = await json(world, ...args, '--at', LATER);
    expect(again.told).toMatchObject([{ is: 'exists', dueAt: first.told[0]?.['dueAt'] }]);
    const moved = await json(world, ...args, '--at', LATER, '--reschedule');
    expect(moved.told).toMatchObject([{ is: 'moved', dueAt: '2038-01-19T03:14:08.000Z' }]);
    const jobs = await world.jobs.getDelayed();
    expect(jobs.map(({ data }) => data as unknown)).toEqual([
      { clientId: 'c-1', reason: 'closed', correlationId: 'r-1' },
    ]);
  });

  it('answers with the time that was asked for', async () => {
    const world = await createWorld({ startsWorker: false });
    const told = async (...args: string[]) => (await command(world, ...args, '--client-id', 'c-1')).lines;
    expect(await told('delete', '--in', '30d')).toEqual([expect.stringMatching(/Z \(in 30 days\)$/)]);
    expect(await told('deletions', 'reschedule', '--in', '36h')).toEqual([
      expect.stringMatching(/Z \(in 1 day 12 hours\)$/),
    ]);
    expect((await told('deletions', 'list'))[1]).toContain('\tin 1 day 12 hours\t');
    const { told: answers } = await json(world, 'delete', '--client-id', 'c-2', '--in', '30d');
    const { dueAt, requestedAt } = answers[0] as { dueAt: string; requestedAt: string };
    expect(Date.parse(dueAt) - Date.parse(requestedAt)).toBe(30 * DAY_MS);
  });

  it('with --wait prints the event', async () => {
    const world = await createWorld();
    const userId = await world.signUpElsewhere('c-1');
    const { status, lines } = await command(world, 'delete', '--client-id', 'c-1', '--wait');
    const event: unknown = JSON.parse(lines[0] ?? '');
    expect({ status, event }).toMatchObject({ status: 0, event: { type: 'user.deleted', data: { userId } } });
  });

  it('with --wait goes on waiting where the deletion limit holds it', async () => {
    const world = await createWorld({ env: { DELETIONS_PER_HOUR: '0' } });
    await world.signUpElsewhere('c-1');
    await command(world, 'delete', '--client-id', 'c-1');
    await expect
      .poll(async () => (await json(world, 'status')).told)
      .toMatchObject([{ deletionLimit: { held: 1 } }]);
    const { stdout, stderr, exit } = startCommand(['delete', '--client-id', 'c-1', '--wait'], world.env);
    const told = text(stdout);
    expect(String(await once(stderr, 'data'))).toContain('the deletion limit holds the deletion');
    await command(world, 'deletions', 'release', '--yes');
    expect([await exit, JSON.parse(await told)]).toMatchObject([0, { type: 'user.deleted' }]);
  });

  it('with --wait exits with 1 where the deletion fails', async () => {
    const world = await createWorld();
    await world.signUpElsewhere('c-1');
    await world.signUpElsewhere('c-1');
    const { status, lines } = await command(world, 'delete', '--client-id', 'c-1', '--wait');
    expect({ status, event: lines[0] }).toMatchObject({
      status: 1,
      event: expect.stringContaining('ambiguous-client-id'),
    });
  });

  it.each([
    ['no user', [], 'name the user'],
    ['a span without a unit', ['--client-id', 'c-1', '--in', '30'], 'must be a number and a unit'],
    ['a time without a zone', ['--client-id', 'c-1', '--at', '2030-01-01T00:00:00'], 'ISO 8601 with a zone'],
    ['two times', ['--client-id', 'c-1', '--at', LATER, '--in', '1d'], 'cannot be used with'],
    ['a time that the queue cannot count to', ['--client-id', 'c-1', '--in', '5000w'], '2039-09-07'],
    ['a userId that is none', ['--user-id', 'c-1'], 'userId'],
    ['an instance that nobody configured', ['--client-id', 'c-1', '--instance', 'x'], 'no such instance'],
    ['a deferred deletion to wait for', ['--client-id', 'c-1', '--in', '1d', '--wait'], '--wait'],
  ])('with %s does nothing and exits with 2', async (_title, args, told) => {
    const world = await createWorld({ startsWorker: false });
    const { status, stderr, lines } = await command(world, 'delete', ...args);
    expect({ status, lines, stderr }).toMatchObject({
      status: 2,
      lines: [],
      stderr: expect.stringContaining(told),
    });
    expect(await world.jobs.getDelayedCount()).toBe(0);
  });
});

describe('`deletions`', () => {
  it('list shows what is pending, the next due first', async () => {
    const world = await createWorld({ startsWorker: false });
    const deletions = createDeletions({ jobs: world.jobs, prefix: world.prefix });
    for (const n of [3, 1, 2]) {
      await deletions.schedule({ clientId: `c-${n}`, reason: 'a secret' }, Date.now() + n * DAY_MS);
    }
    const all = await json(world, 'deletions', 'list');
    expect(all.told.map(({ clientId }) => clientId)).toEqual(['c-1', 'c-2', 'c-3']);
    expect(JSON.stringify(all)).not.toContain('secret');
    const next = await command(world, 'deletions', 'list', '--next', '2');
    expect(next.lines).toHaveLength(4); // a heading and that there are more
    const until = new Date(Date.now() + 2.5 * DAY_MS).toISOString();
    expect((await json(world, 'deletions', 'list', '--until', until)).told).toHaveLength(2);
    const one = await json(world, 'deletions', 'list', '--client-id', 'c-2');
    expect(one.told).toMatchObject([{ clientId: 'c-2' }]);
  });

  it('cancel reports the state, with status 0 only if nothing is deleted any more', async () => {
    const world = await createWorld();
    const userId = await world.signUpElsewhere('c-1');
    const cancel = () => json(world, 'deletions', 'cancel', '--user-id', userId);
    expect(await cancel()).toEqual({ status: 1, told: [{ is: 'none' }] });
    await json(world, 'delete', '--user-id', userId, '--in', '1d');
    expect(await cancel()).toEqual({ status: 0, told: [{ is: 'cancelled' }] });
    expect(await cancel()).toEqual({ status: 0, told: [{ is: 'cancelled' }] });
    const { lines } = await command(world, 'deletions', 'cancel', '--user-id', userId);
    expect(lines).toEqual(['cancelled: the user is not deleted']);
    await world.run('delete-user', { userId }, { timestamp: Date.now() + 1000 });
    expect(await cancel()).toEqual({ status: 1, told: [{ is: 'done' }] });
  });

  it('list says that nothing is pending, and that jobs in line are not looked through', async () => {
    const world = await createWorld({ startsWorker: false });
    expect((await command(world, 'deletions', 'list')).lines).toEqual(['No deletion is pending.']);
    const nothing = { note: 'No deletion is pending.', shown: 0, isCut: false, unreadable: 0, inLine: 0 };
    expect((await json(world, 'deletions', 'list')).told).toEqual([nothing]);
    await world.add('delete-user', { clientId: 'c-1' });
    const { lines } = await command(world, 'deletions', 'list', '--client-id', 'c-1');
    expect(lines).toEqual([
      'No such deletion is pending. 1 job is waiting or active, and not searched: a due deletion may be among them.',
    ]);
    for (const clientId of ['c-2', 'c-3']) await json(world, 'delete', '--client-id', clientId, '--in', '1h');
    const { told } = await json(world, 'deletions', 'list', '--next', '1');
    expect(told).toMatchObject([{ clientId: 'c-2' }, { note: '… more (--next)', shown: 1, isCut: true }]);
    expect((await json(world, 'deletions', 'list')).told).toHaveLength(2);
  });

  it('reschedule moves what is pending, and makes nothing', async () => {
    const world = await createWorld({ startsWorker: false });
    const move = () => json(world, 'deletions', 'reschedule', '--client-id', 'c-1', '--at', LATER);
    expect(await move()).toEqual({ status: 1, told: [{ is: 'none' }] });
    await json(world, 'delete', '--client-id', 'c-1', '--in', '1h');
    expect(await move()).toMatchObject({ status: 0, told: [{ is: 'moved' }] });
  });
});
