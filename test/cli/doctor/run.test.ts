import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { Finding } from '../../../src/tools/doctor/finding.ts';
import { runCommand } from '../../support/run-command.ts';
import { type World, type WorldOptions, createWorld } from '../../support/world.ts';

const directory = mkdtempSync(join(tmpdir(), 'damoov-doctor-'));
afterAll(() => rmSync(directory, { recursive: true }));

interface Diagnosis {
  status: number | null;
  ok: boolean;
  findings: Finding[];
}

async function doctor(
  world: World,
  args: string[] = [],
  env: Record<string, string> = {},
): Promise<Diagnosis> {
  const { status, stdout, stderr } = await runCommand(['doctor', '--json', ...args], {
    ...world.env,
    ...env,
  });
  expect(stderr).toBe('');
  return { status, ...(JSON.parse(stdout) as { ok: boolean; findings: Finding[] }) };
}

const of = (check: string, { findings }: Diagnosis) => findings.find((finding) => finding.check === check);

/** A world, and the facts that a probe of it has written. */
async function probedWorld(modes: WorldOptions['modes'] = {}) {
  // Else the probe waits two seconds for a deleted user to come back, or for a field to be shown.
  const quick: WorldOptions['modes'] = { deletedToken: 'free', createIgnores: [] };
  const world = await createWorld({ startsWorker: false, modes: { ...quick, ...modes } });
  const file = join(directory, `${world.prefix}.json`);
  const args = ['probe', '--instance', 'default', '--yes-this-instance-is-disposable', '--try-wrong-key'];
  expect((await runCommand([...args, '--out', file], world.env)).status).toBe(0);
  return { world, file };
}

const OTHER_KEY = '33333333-3333-4333-8333-333333333333';

describe('`doctor`', () => {
  it('finds a world well that was probed, makes no user and needs no login', async () => {
    const { world, file } = await probedWorld();
    const before = await world.users();
    const diagnosis = await doctor(world, ['--facts', file]);
    expect(diagnosis.findings.filter(({ is }) => is !== 'ok').map(({ check }) => check)).toEqual([
      'instance key default',
    ]);
    expect(diagnosis).toMatchObject({ status: 0, ok: true });
    expect(diagnosis.findings.map(({ check }) => check)).toEqual([
      'redis',
      'redis version',
      'redis maxmemory-policy',
      'redis persistence',
      'redis memory',
      'clock against redis',
      'queues',
      'events',
      'user ids default',
      'damoov',
      'clock against damoov',
      'admin account',
      'admin session',
      'instance key default',
      'facts',
      'DAMOOV_USER_ID',
    ]);
    expect(await world.users()).toEqual(before);
    expect(await world.requests('login')).toHaveLength(1);
  });

  it('fails for a key of a queue that is broken, and `status` says the same', async () => {
    const world = await createWorld({ startsWorker: false });
    const key = `${world.prefix}:user-events:wait`;
    await world.redis.hset(key, 'name', 'create-user');
    expect(of('queues', await doctor(world))).toMatchObject({
      is: 'fail',
      seen: expect.stringContaining(`${key} holds a job: `),
      todo: expect.stringContaining(`RENAME ${key}`),
    });
    const { status, stderr } = await runCommand(['status'], world.env);
    expect([status, stderr]).toEqual([1, expect.stringContaining(`RENAME ${key}`)]);
  });

  it('says what it saw and what to do, a line each', async () => {
    const world = await createWorld({ startsWorker: false });
    const { status, stdout } = await runCommand(['doctor'], world.env);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^ok {4}redis maxmemory-policy +noeviction$/m);
    expect(stdout).toMatch(/^warn {2}facts .*\n {6}→ run `damoov-users probe`/m);
  });

  it('logs in only if requested, once, and then uses the session', async () => {
    const world = await createWorld({ startsWorker: false });
    expect(of('admin account', await doctor(world))).toMatchObject({
      is: 'warn',
      seen: 'not tried: there is no session, and a login counts (left: 4)',
    });
    expect(await world.requests('login')).toEqual([]);
    expect(of('admin account', await doctor(world, ['--login']))).toMatchObject({ is: 'ok' });
    expect(of('admin account', await doctor(world))).toMatchObject({ is: 'ok' });
    expect(await world.requests('login')).toHaveLength(1);
  });

  it('fails for a password that Damoov refuses, and for logins that are spent', async () => {
    const world = await createWorld({ startsWorker: false, env: { DAMOOV_LOGINS_PER_HOUR: '1' } });
    const wrong = { DAMOOV_ADMIN_PASSWORD: 'wrong' };
    expect(await doctor(world, ['--login'], wrong)).toMatchObject({ status: 1, ok: false });
    expect(of('admin account', await doctor(world, ['--login']))).toMatchObject({
      is: 'fail',
      seen: expect.stringMatching(/logins of this hour are spent|no login is allowed until/),
    });
    expect(await world.requests('login')).toHaveLength(1);
  });

  it('tells a refused InstanceKey from what the workers have met; else that nobody knows', async () => {
    const world = await createWorld({ env: { DAMOOV_INSTANCE_KEY: OTHER_KEY } });
    expect(of('instance key default', await doctor(world))).toMatchObject({
      is: 'warn',
      seen: expect.stringContaining('not tested'),
    });
    await world.add('create-user', { clientId: 'c' });
    await expect
      .poll(async () => of('instance key default', await doctor(world)))
      .toMatchObject({ is: 'fail', seen: expect.stringContaining('held jobs: 1') });
    // What waits has nothing to do with a key that is right.
    const key = '22222222-2222-4222-8222-222222222222';
    expect(of('instance key default', await doctor(world, [], { DAMOOV_INSTANCE_KEY: key }))).toMatchObject({
      is: 'warn',
    });
  });

  it('fails where the facts say that derived cannot work', async () => {
    const { world, file } = await probedWorld({ ignoreCustomToken: true });
    const diagnosis = await doctor(world, ['--facts', file]);
    expect(of('DAMOOV_USER_ID', diagnosis)).toMatchObject({
      is: 'fail',
      seen: 'derived',
      todo: expect.stringContaining('set DAMOOV_USER_ID=assigned'),
    });
    const assigned = await doctor(world, ['--facts', file], { DAMOOV_USER_ID: 'assigned' });
    expect(of('DAMOOV_USER_ID', assigned)).toMatchObject({ is: 'ok' });
  });

  it('does not go by the facts of another address', async () => {
    const { file } = await probedWorld();
    const world = await createWorld({ startsWorker: false });
    const diagnosis = await doctor(world, ['--facts', file]);
    expect(of('facts', diagnosis)).toMatchObject({
      is: 'warn',
      seen: expect.stringContaining('another address'),
    });
    expect(of('instance key default', diagnosis)).toMatchObject({ is: 'warn' });
    expect(await world.requests('create')).toEqual([]);
  });

  it('fails if Redis or Damoov is away, and still reports the other', async () => {
    const world = await createWorld({ startsWorker: false });
    const withoutRedis = await doctor(world, [], { REDIS_URL: 'redis://127.0.0.1:1' });
    expect(withoutRedis.status).toBe(1);
    expect(of('redis', withoutRedis)).toMatchObject({
      is: 'fail',
      seen: 'Redis is away (127.0.0.1:1): ECONNREFUSED',
    });
    expect(of('damoov', withoutRedis)).toMatchObject({ is: 'ok' });
    const withoutDamoov = await doctor(world, [], { DAMOOV_BASE_URL: 'http://127.0.0.1:1' });
    expect(withoutDamoov.status).toBe(1);
    expect(of('redis', withoutDamoov)).toMatchObject({ is: 'ok' });
    expect(of('damoov', withoutDamoov)).toMatchObject({ is: 'fail' });
  });

  it('is bad usage with a facts file that is none', async () => {
    const world = await createWorld({ startsWorker: false });
    const file = join(directory, 'none.json');
    writeFileSync(file, '{}');
    const { status, stderr } = await runCommand(['doctor', '--facts', file], world.env);
    expect({ status, stderr }).toEqual({ status: 2, stderr: expect.stringContaining('run the probe again') });
  });
});
