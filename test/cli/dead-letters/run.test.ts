import { describe, expect, it, onTestFinished } from 'vitest';
import { UserEvents } from '../../../src/client/user-events.ts';
import { runCommand } from '../../support/run-command.ts';
import { type World, createWorld } from '../../support/world.ts';

class Unwanted extends Error {
  override readonly name = 'Unwanted';
}

/** A service that gives up every event at once, until it is mended. */
async function createGivingUp() {
  const world = await createWorld({ env: { EVENTS_QUEUES: 'user-events,crm' } });
  const received: string[] = [];
  const crm = { isBroken: true };
  const options = { redis: world.env['REDIS_URL'] ?? '', prefix: world.prefix, queue: 'crm' };
  const events = new UserEvents({ ...options, retry: { attempts: 1 } }, ({ id }) => {
    if (crm.isBroken) throw new Unwanted(`of ${id}`);
    received.push(id);
  });
  onTestFinished(() => events.close());
  return { world, crm, received };
}

const letters = (world: World, ...args: string[]) => runCommand(['dead-letters', ...args], world.env);

async function listed(world: World, ...args: string[]) {
  const { status, stdout, stderr } = await letters(world, 'list', '--json', ...args);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return JSON.parse(stdout) as {
    counts: object;
    others: number;
    events: { eventId: string; jobId: string }[];
  };
}

/** Users whose events the service gives up, one after the other. */
async function giveUp(world: World, ...clientIds: string[]): Promise<void> {
  for (const clientId of clientIds) {
    const before = (await listed(world)).events.length;
    await world.run('create-user', { clientId });
    await expect.poll(async () => (await listed(world)).events.length).toBe(before + 1);
  }
}

describe('`dead-letters list`', () => {
  it('says that there is none', async () => {
    const { world } = await createGivingUp();
    expect(await letters(world, 'list')).toEqual({
      status: 0,
      stdout: 'There is no dead letter; each is kept for 14 days.\n',
      stderr: '',
    });
  });

  it('counts them by queue and type, and shows whose they are, and why, without what the error quotes', async () => {
    const { world } = await createGivingUp();
    await giveUp(world, 'c-1', 'c-2');
    const { stdout } = await letters(world, 'list');
    const lines = stdout.split('\n');
    expect(lines.slice(0, 3)).toEqual(['2  crm  user.created', '2 in all', '']);
    expect(lines[3]).toMatch(/^age +attempts +queue +type +clientId +UserId +error +event$/);
    expect(lines[4]).toMatch(
      /^\S+ +1 +crm +user\.created +c-1 +[\da-f-]{36} +Unwanted +1\/\d+\/user\.created$/,
    );
    const { counts, others, events } = await listed(world);
    expect({ counts, others }).toEqual({
      counts: { total: 2, by: [{ queue: 'crm', type: 'user.created', events: 2 }] },
      others: 0,
    });
    expect(events).toMatchObject([{ clientId: 'c-1' }, { clientId: 'c-2' }]);
  });

  it('chooses by user, event, type, age and queue', async () => {
    const { world } = await createGivingUp();
    await giveUp(world, 'c-1', 'c-2');
    const [one] = (await listed(world)).events;
    const [, user] = await world.users();
    const found = async (...args: string[]) => (await listed(world, ...args)).events.length;
    expect(await found('--client-id', 'c-1')).toBe(1);
    expect(await found('--user-id', (user?.deviceToken ?? '').toUpperCase())).toBe(1);
    expect(await found('--id', one?.eventId ?? '')).toBe(1);
    expect(await found('--type', 'user.created')).toBe(2);
    expect(await found('--type', 'user.deleted')).toBe(0);
    expect(await found('--older-than', '1h')).toBe(0);
    expect(await found('--newer-than', '1h')).toBe(2);
    expect(await found('--queue', 'user-events')).toBe(0);
    expect((await listed(world, '--client-id', 'c-1')).others).toBe(1);
    const { stdout } = await letters(world, 'list', '--type', 'user.deleted');
    expect(stdout).toBe('No dead letter matches, 2 others do not.\n');
  });

  it('shows what is no event by the id of its entry alone', async () => {
    const { world } = await createGivingUp();
    await world.redis.hset(`${world.prefix}:crm:x`, {
      name: 'any',
      data: '{"type": "user.created", "data": {"email": "ada@example.com"}, "id": 7',
      failedReason: 'ada@example.com is wrong',
      finishedOn: `${Date.now()}`,
      timestamp: '1',
      opts: '{}',
    });
    await world.redis.zadd(`${world.prefix}:crm:failed`, Date.now(), 'x');
    const { events } = await listed(world);
    expect(events).toMatchObject([{ jobId: 'x', type: 'unknown', error: 'unknown' }]);
    expect(JSON.stringify(events)).not.toContain('ada');
  });

  it('refuses the jobs queue, and says so where no events are published', async () => {
    const { world } = await createGivingUp();
    expect(await letters(world, 'list', '--queue', 'user-jobs')).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('`failed`'),
    });
    expect(await letters(world, 'list', '--queue', 'typo')).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('there are user-events, crm'),
    });
    const none = await runCommand(['dead-letters', 'list'], { ...world.env, EVENTS_QUEUES: 'none' });
    expect(none).toMatchObject({ status: 2, stderr: expect.stringContaining('EVENTS_QUEUES is none') });
  });
});

describe('`dead-letters redrive`', () => {
  it('has the chosen events delivered once more, and no other', async () => {
    const { world, crm, received } = await createGivingUp();
    await giveUp(world, 'c-1', 'c-2');
    const [one, other] = (await listed(world)).events;
    crm.isBroken = false;
    const { status, stdout } = await letters(world, 'redrive', '--client-id', 'c-1', '--yes');
    expect({ status, stdout }).toEqual({ status: 0, stdout: '1 redriven\n' });
    await expect.poll(() => received).toEqual([one?.eventId]);
    expect((await listed(world)).events).toEqual([other]);
  });

  it('changes nothing without a yes', async () => {
    const { world } = await createGivingUp();
    await giveUp(world, 'c-1');
    const { status, stderr } = await letters(world, 'redrive');
    expect(status).toBe(2);
    expect(stderr).toContain('nothing was redriven');
    expect((await listed(world)).events).toHaveLength(1);
  });
});

it('`dead-letters drop` removes them', async () => {
  const { world } = await createGivingUp();
  await giveUp(world, 'c-1', 'c-2');
  expect(await letters(world, 'drop', '--client-id', 'c-2', '--yes', '--json')).toMatchObject({
    status: 0,
    stdout: '{"dropped":1,"gone":0}\n',
  });
  expect((await listed(world)).events).toMatchObject([{ clientId: 'c-1' }]);
});
