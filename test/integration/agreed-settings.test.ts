import { text } from 'node:stream/consumers';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { ConfigError } from '../../src/config/config.ts';
import { runCommand, startCommand } from '../support/run-command.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { type World, createWorld } from '../support/world.ts';

const ONE = { DAMOOV_USER_ID_SECRET: 'secret-one-secret-one' };
const TWO = { DAMOOV_USER_ID_SECRET: 'secret-two-secret-two' };

/** Starts a worker with some settings otherwise. */
function startWith(world: World, env: Record<string, string>, replacesUserIdSettings = false) {
  Object.assign(world.env, env);
  return world.startWorker({ replacesUserIdSettings });
}

async function refusal(start: Promise<unknown>): Promise<string> {
  const error = await start.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!(error instanceof ConfigError)) throw new Error('this worker was to be refused', { cause: error });
  return error.faults.join('\n');
}

describe('a worker whose UserIds would be others than those of the fleet', () => {
  it.each([
    ['DAMOOV_USER_ID_SECRET', ONE, TWO],
    ['DAMOOV_INSTANCE_KEY', {}, { DAMOOV_INSTANCE_KEY: '33333333-3333-4333-8333-333333333333' }],
    ['DAMOOV_INSTANCE_KEY', ONE, { DAMOOV_USER_ID_SECRET: '' }],
    ['DAMOOV_USER_ID', { DAMOOV_USER_ID: 'derived' }, { DAMOOV_USER_ID: 'assigned' }],
  ])('is reported by %s, and does not start', async (variable, one, other) => {
    const world = await createWorld({ startsWorker: false, timings: { compareMs: 10 } });
    const first = await startWith(world, one);
    // An InstanceKey counts once Damoov has accepted it: until then it may be a wrong one.
    await world.run('create-user', { clientId: 'c-1' });
    await expect.poll(() => world.redis.keys(`${world.prefix}:agreed:*`)).toHaveLength(1);
    const fault = await refusal(startWith(world, other));
    expect(fault.slice(0, variable.length + 1)).toMatch(new RegExp(`^${variable}[:,]$`));
    expect(fault).toContain('--replace-user-id-settings');
    for (const secret of Object.values({ ...world.env, ...one, ...other }).filter(
      (text) => text.length > 15,
    )) {
      expect(fault).not.toContain(secret);
    }
    expect(world.logLines.filter((line) => line.includes('worker started'))).toHaveLength(1);
    await first.close();
    // Neither does it once the fleet is gone: its users are still there.
    expect(await refusal(startWith(world, {}))).toBe(fault);
    await startWith(world, { ...BARE, ...one });
  });

  it('ends the command with status 2 and says why, and doctor fails', async () => {
    const world = await createWorld({ env: ONE });
    const other = { ...world.env, ...TWO, LOG_LEVEL: 'silent' };
    expect(await runCommand(['worker'], other)).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(/^ {2}- DAMOOV_USER_ID_SECRET: /m),
    });
    const doctor = await runCommand(['doctor'], other);
    expect(doctor).toMatchObject({
      status: 1,
      stdout: expect.stringMatching(/^fail {2}user ids default +DAMOOV_USER_ID_SECRET: /m),
    });
    const well = await runCommand(['doctor'], world.env);
    expect(well.stdout).toMatch(/^ok {4}user ids default /m);
  });

  it('of two that come at once is the one that comes second', async () => {
    const world = await createWorld({ startsWorker: false });
    const starts = await Promise.allSettled([startWith(world, ONE), startWith(world, TWO)]);
    expect(starts.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  });

  it('replaces the settings if requested, and workers with the old ones stop', async () => {
    const world = await createWorld({ startsWorker: false, timings: { compareMs: 10 } });
    const first = await startWith(world, ONE);
    await startWith(world, TWO, true);
    expect((await first.broken).faults).toEqual([expect.stringMatching(/^DAMOOV_USER_ID_SECRET: /)]);
    expect(await refusal(startWith(world, ONE))).toContain('DAMOOV_USER_ID_SECRET');
  });

  it('replaces them by an option of the command', async () => {
    const world = await createWorld({ startsWorker: false });
    await (await startWith(world, ONE)).close();
    const [key = ''] = await world.redis.keys(`${world.prefix}:agreed:*`);
    const before = await world.redis.get(key);
    const env = { ...world.env, ...TWO, LOG_LEVEL: 'silent' };
    const command = startCommand(['worker', '--replace-user-id-settings'], env);
    await expect.poll(() => world.redis.get(key)).not.toBe(before);
    expect(await refusal(startWith(world, ONE))).toContain('DAMOOV_USER_ID_SECRET');
    command.signal('SIGTERM');
    expect(await command.exit).toBe(0);
  });

  it('stops with status 2 where they are replaced while it runs', { tags: ['slow'] }, async () => {
    const world = await createWorld({ startsWorker: false, env: ONE });
    const command = startCommand(['worker'], { ...world.env, LOG_LEVEL: 'silent' });
    const agreed = () => world.redis.keys(`${world.prefix}:agreed:*`);
    await expect.poll(agreed).toHaveLength(1);
    await startWith(world, TWO, true);
    expect(await command.exit).toBe(2);
    expect(await text(command.stderr)).toContain('DAMOOV_USER_ID_SECRET: ');
  });

  it('takes no job where Redis came only after it, and learns then that it must not', async () => {
    const proxy = await startTcpProxy(inject('redisUrl'));
    onTestFinished(() => proxy.close());
    const world = await createWorld({ startsWorker: false, env: ONE });
    const first = await world.startWorker();
    await first.close();
    await proxy.sever();
    const late = await startWith(world, { REDIS_URL: proxy.url, ...TWO });
    await world.add('create-user', { clientId: 'c-1' });
    await proxy.restore();
    expect((await late.broken).faults).toEqual([expect.stringMatching(/^DAMOOV_USER_ID_SECRET: /)]);
    await late.close();
    expect(await world.users()).toEqual([]);
    expect(await world.jobs.getWaitingCount()).toBe(1);
  });
});

describe('the settings of a fleet', () => {
  it('are told again by its workers after Redis has lost them', async () => {
    const world = await createWorld({ env: ONE, timings: { compareMs: 10 } });
    await world.redis.del(...(await world.redis.keys(`${world.prefix}:agreed:*`)));
    await expect.poll(() => world.redis.keys(`${world.prefix}:agreed:*`)).toHaveLength(1);
    expect(await refusal(startWith(world, TWO))).toContain('DAMOOV_USER_ID_SECRET');
  });

  it('are kept as long as records of users are, and hold nothing of a secret', async () => {
    const world = await createWorld({ env: ONE });
    const keys = await world.redis.keys(`${world.prefix}:agreed:*`);
    expect(keys).toHaveLength(1);
    const [key = ''] = keys;
    expect(await world.redis.ttl(key)).toBeGreaterThan(29 * 24 * 3600);
    const told = `${key} ${await world.redis.get(key)}`;
    for (const secret of [ONE.DAMOOV_USER_ID_SECRET, world.env['DAMOOV_INSTANCE_KEY'] ?? '?']) {
      expect(told).not.toContain(secret);
    }
  });
});

const BARE = { DAMOOV_USER_ID_SECRET: '', DAMOOV_INSTANCE_KEY: '22222222-2222-4222-8222-222222222222' };
