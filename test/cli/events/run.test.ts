import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { Queue } from 'bullmq';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { runCommand, spawnCommand, startCommand } from '../../support/run-command.ts';
import { startTcpProxy } from '../../support/tcp-proxy.ts';
import { type World, createWorld, subscribe } from '../../support/world.ts';

const CREATED = 'user.created';

const eventsOf = async (world: World, ...args: string[]) => {
  const { status, stdout, stderr } = await runCommand(['events', '--json', ...args], world.env);
  const lines = stdout.split('\n').filter((line) => line !== '');
  return { status, stderr, events: lines.map((line) => JSON.parse(line) as { id: string; type: string }) };
};
const clientsOf = ({ events }: { events: object[] }) =>
  events.map((event) => (event as { data: { clientId: string } }).data.clientId);

/** `events --follow`, with its output. */
function follow(env: Record<string, string>, ...args: string[]) {
  const command = startCommand(['events', '--follow', ...args], env);
  const lines = createInterface({ input: command.stdout })[Symbol.asyncIterator]();
  const told = createInterface({ input: command.stderr })[Symbol.asyncIterator]();
  return {
    ...command,
    line: async () => String((await lines.next()).value),
    told: async () => String((await told.next()).value),
  };
}

/** An events queue without a subscriber. */
function unreadQueue({ redis, prefix }: World): Queue {
  const queue = new Queue('unread', { connection: redis, prefix });
  onTestFinished(() => queue.close());
  return queue;
}

describe('`events`', () => {
  it('shows the last ones in their order, also those that were consumed', async () => {
    const world = await createWorld();
    for (const clientId of ['c-1', 'c-2', 'c-3']) await world.run('create-user', { clientId });
    const all = await eventsOf(world);
    expect(all).toMatchObject({ status: 0, stderr: '', events: world.events });
    expect(clientsOf(await eventsOf(world, '-n', '2'))).toEqual(['c-2', 'c-3']);
  });

  it('takes nothing from those who subscribe', async () => {
    const world = await createWorld({ env: { EVENTS_QUEUES: 'user-events,unread' } });
    const unread = unreadQueue(world);
    const event = await world.run('create-user', { clientId: 'c-1' });
    const keys = async () => (await world.redis.keys(`${world.prefix}:unread*`)).sort();
    const before = await keys();
    expect((await eventsOf(world, '--queue', 'unread')).events).toEqual([event]);
    expect([await unread.getWaitingCount(), await keys()]).toEqual([1, before]);
    const subscription = await subscribe(inject('redisUrl'), world.prefix, 'unread');
    expect(await subscription.eventOf(event.data.jobId)).toEqual(event);
  });

  it('finds those of a user, and of a type', async () => {
    const world = await createWorld();
    const { data } = await world.run('create-user', { clientId: 'c-1' });
    await world.run('create-user', { clientId: 'c-2' });
    await world.run('update-user', { clientId: 'c-1', changes: { phone: '1' } });
    const ofUser = await eventsOf(world, '--user-id', data.userId?.toUpperCase() ?? '');
    expect(ofUser.events.map(({ type }) => type)).toEqual([CREATED, 'user.updated']);
    expect(clientsOf(await eventsOf(world, '--client-id', 'c-2'))).toEqual(['c-2']);
    // Of those that are wanted, not of all.
    expect(clientsOf(await eventsOf(world, '--type', CREATED, '-n', '2'))).toEqual(['c-1', 'c-2']);
    const none = await eventsOf(world, '--type', 'user.failed', 'user.deleted');
    const note = { note: 'No such event can be read on user-events.', shown: 0, unreadable: 0, older: 0 };
    expect(none).toMatchObject({ status: 0, stderr: '', events: [note] });
  });

  it('never shows a token', async () => {
    const world = await createWorld({ env: { EVENTS_QUEUES: 'user-events,unread' } });
    const event = await world.run('create-user', { clientId: 'c-1', createAccessToken: true });
    const { accessToken, refreshToken } = event.data as { accessToken: string; refreshToken: string };
    const { stdout } = await runCommand(['events', '--queue', 'unread'], world.env);
    expect(stdout).toMatch(
      /^\S+Z {2}user\.created +c-1 {2}[0-9a-f-]{36} {2}1 {2}instance=default {2}accessToken=\(masked\) {2}refreshToken=\(masked\)\n$/,
    );
    const masked = { data: { clientId: 'c-1', accessToken: '(masked)', refreshToken: '(masked)' } };
    const { events } = await eventsOf(world, '--queue', 'unread');
    expect(events).toMatchObject([masked]);
    for (const token of [accessToken, refreshToken]) expect(JSON.stringify(events)).not.toContain(token);
  });

  it('says how many are gone, and passes over what is no event', async () => {
    const world = await createWorld({ startsWorker: false, env: { EVENTS_QUEUES: 'user-events,unread' } });
    const unread = unreadQueue(world);
    const [gone] = await unread.addBulk([
      { name: CREATED, data: {} },
      { name: 'another', data: 'text' },
      { name: CREATED, data: { type: CREATED, data: { clientId: 'c-1\n\u001B[2J' } } },
    ]);
    await gone?.remove();
    const { stdout, stderr, status } = await runCommand(['events', '--queue', 'unread'], world.env);
    expect(stdout).toMatch(/^- {2}user\.created {5}c-1 \[2J {2}- {2}-\n$/);
    const unseen = '2 events may match but cannot be read: removed, or not ours.';
    expect([status, stderr]).toEqual([0, `${unseen}\n`]);
    // The users of the others are unknown.
    const ofUser = await eventsOf(world, '--queue', 'unread', '--client-id', 'c-2');
    const note = `No such event can be read on unread. ${unseen}`;
    expect(ofUser.events).toEqual([{ note, shown: 0, unreadable: 2, older: 0 }]);
    const ofType = await eventsOf(world, '--queue', 'unread', '--type', CREATED);
    expect(ofType.events).toMatchObject([{ type: CREATED }, { shown: 1, unreadable: 1 }]);
  });

  it('says of how many no note is left, and that nothing was published', async () => {
    const world = await createWorld({ startsWorker: false, env: { EVENTS_QUEUES: 'unread' } });
    const unread = unreadQueue(world);
    const { stdout, stderr } = await runCommand(['events'], world.env);
    expect([stdout, stderr]).toEqual(['', 'No event can be read on unread.\n']);
    await unread.addBulk(Array.from({ length: 3 }, () => ({ name: CREATED, data: {} })));
    await unread.trimEvents(0);
    const { events } = await eventsOf(world, '--client-id', 'c-1');
    expect(events).toMatchObject([{ shown: 0, unreadable: 0, older: 3 }]);
  });

  it('of more than a page of them finds the last ones', async () => {
    const world = await createWorld({ startsWorker: false, env: { EVENTS_QUEUES: 'user-events,unread' } });
    const eventTo = (clientId: string) => ({ name: CREATED, data: { type: CREATED, data: { clientId } } });
    const clients = Array.from({ length: 1500 }, (_, n) => `c-${n}`);
    await unreadQueue(world).addBulk(clients.map(eventTo));
    const found = await eventsOf(world, '--queue', 'unread', '-n', '1400');
    expect(clientsOf(found)).toEqual(clients.slice(-1400));
    expect(clientsOf(await eventsOf(world, '--queue', 'unread', '--client-id', 'c-3'))).toEqual(['c-3']);
  });

  it.each([
    ['a queue that there is not', ['--queue', 'user-jobz'], 'no such events queue (configured: user-events)'],
    ['a type that there is not', ['--type', 'user.renamed'], 'Allowed choices are user.created'],
    ['a number that is none', ['-n', 'all'], 'must be a whole number'],
    ['none of those that are there, and none to come', ['-n', '0'], '-n 0: shows nothing. Give at least 1'],
    [
      'a queue that none can be',
      ['--queue', 'user-jobs:../x'],
      'must be the name of a queue, such as user-events',
    ],
    ['a queue without a name', ['--queue', ' '], 'not empty, and without a colon'],
  ])('with %s exits with 2', async (_title, args, told) => {
    const world = await createWorld({ startsWorker: false });
    const { status, stderr } = await eventsOf(world, ...args);
    expect({ status, stderr }).toMatchObject({ status: 2, stderr: expect.stringContaining(told) });
  });
});

describe('`events --follow`', () => {
  it('shows new events without a gap until the signal to stop', async () => {
    const world = await createWorld();
    await world.run('create-user', { clientId: 'c-1' });
    const tail = follow(world.env, '-n', '1');
    expect(await tail.line()).toContain('  c-1  ');
    await world.run('create-user', { clientId: 'c-2' });
    expect(await tail.line()).toContain('  c-2  ');
    await world.run('create-user', { clientId: '' });
    expect(await tail.line()).toMatch(
      /user\.failed .* {2}operation=create-user {2}code=invalid-job {2}message=clientId/,
    );
    await new Queue('user-events', { connection: world.redis, prefix: world.prefix }).add(
      'other',
      'no event',
    );
    expect(await tail.told()).toBe('1 event may match but cannot be read: removed, or not ours.');
    tail.signal('SIGINT');
    expect(await tail.exit).toBe(0);
  });

  it('shows only what comes with -n 0', async () => {
    const world = await createWorld();
    await world.run('create-user', { clientId: 'before' });
    const tail = follow(world.env, '-n', '0');
    const shown = tail.line();
    const isShown = shown.then(() => true);
    while (!(await Promise.race([isShown, Promise.resolve(false)]))) {
      await world.run('create-user', { clientId: 'later' });
    }
    expect(await shown).toContain('  later  ');
    tail.signal('SIGINT');
    expect(await tail.exit).toBe(0);
  });

  it('shows what was published while Redis was away', async () => {
    const proxy = await startTcpProxy(inject('redisUrl'));
    onTestFinished(() => proxy.close());
    const world = await createWorld();
    await world.run('create-user', { clientId: 'c-1' });
    const tail = follow({ ...world.env, REDIS_URL: proxy.url });
    expect(await tail.line()).toContain('  c-1  ');
    await proxy.sever();
    expect(await tail.told()).toMatch(/^Redis is away \(127\.0\.0\.1:\d+\), trying again$/);
    await world.run('create-user', { clientId: 'c-2' });
    await proxy.restore();
    expect(await tail.line()).toContain('  c-2  ');
    expect(await tail.told()).toMatch(/^Redis is back \(127\.0\.0\.1:\d+\)$/);
  });

  it('ends where nobody reads any more', async () => {
    const world = await createWorld();
    await world.run('create-user', { clientId: 'c-1' });
    const { child, exit } = spawnCommand(['events', '--follow'], world.env);
    await once(child.stdout, 'data');
    child.stdout.destroy();
    for (const clientId of ['c-2', 'c-3', 'c-4']) await world.run('create-user', { clientId });
    expect(await exit).toBe(1);
  });
});
