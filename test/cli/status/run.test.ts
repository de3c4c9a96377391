import { createInterface } from 'node:readline';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { createImports } from '../../../src/bullmq/imports.ts';
import { createDeletions } from '../../../src/store/deletions/deletions.ts';
import { runCommand, spawnCommand, startCommand } from '../../support/run-command.ts';
import { startTcpProxy } from '../../support/tcp-proxy.ts';
import { type World, createWorld } from '../../support/world.ts';

const HOUR_MS = 3_600_000;

const statusOf = async ({ env }: World) => {
  const { status, stdout, stderr } = await runCommand(['status', '--json'], env);
  expect([status, stderr]).toEqual([0, '']);
  return JSON.parse(stdout) as Record<string, unknown>;
};

describe('`status`', () => {
  it('of an idle fleet has nothing to tell', async () => {
    const world = await createWorld({ startsWorker: false });
    const { stdout, status } = await runCommand(['status'], world.env);
    expect(status).toBe(0);
    expect(stdout).toMatch(
      /^user-jobs .*0 waiting · 0 active · 0 delayed · 0 failed · 0 completed\nuser-events +0 waiting\n/,
    );
    expect(stdout).toMatch(
      /last hour +no job ended\ncircuits +all closed\ndeletion limit +holds no deletion\n/,
    );
    expect(stdout).toMatch(/logins +4 left .*\nrate +no limit\ndeletions +0 pending\n$/);
  });

  it('counts the queues, and says since when the next in line waits', async () => {
    const world = await createWorld({ startsWorker: false });
    await world.add('create-user', { clientId: 'c-1' }, { timestamp: Date.now() - HOUR_MS });
    await world.add('create-user', { clientId: 'c-2' });
    await world.add('create-user', { clientId: 'c-3' }, { priority: 1 });
    const { jobs: queue, prefix } = world;
    await createDeletions({ jobs: queue, prefix }).schedule({ clientId: 'c-4' }, Date.now() + HOUR_MS);
    await world.add('create-user', { clientId: 'c-5' }, { delay: HOUR_MS });
    const { jobs, deletions } = await statusOf(world);
    expect(jobs).toMatchObject({ queue: 'user-jobs', waiting: 3, delayed: 2, isPaused: false });
    const { oldestWaitingMs = 0 } = jobs as { oldestWaitingMs?: number };
    expect(oldestWaitingMs).toBeGreaterThanOrEqual(HOUR_MS);
    expect(oldestWaitingMs).toBeLessThan(2 * HOUR_MS);
    expect(deletions).toMatchObject({ pending: 1 });
  });

  it('sees the job that has waited longest, whatever its priority', async () => {
    const world = await createWorld({ startsWorker: false });
    await world.add('create-user', { clientId: 'c-1' });
    await world.add('create-user', { clientId: 'c-2' }, { priority: 1 });
    await world.add('create-user', { clientId: 'c-3' }, { priority: 1, timestamp: Date.now() - 5 * HOUR_MS });
    await world.add('create-user', { clientId: 'c-4' }, { priority: 7, timestamp: Date.now() - HOUR_MS });
    await world.add('create-user', { clientId: 'c-5' }, { priority: 2_097_151 });
    const { jobs } = await statusOf(world);
    expect(jobs).toMatchObject({ waiting: 5 });
    const { oldestWaitingMs = 0 } = jobs as { oldestWaitingMs?: number };
    // Reads the next job of each priority, not all waiting jobs.
    expect(oldestWaitingMs).toBeGreaterThanOrEqual(HOUR_MS);
    expect(oldestWaitingMs).toBeLessThan(2 * HOUR_MS);
  });

  it('counts how long a row of an import waits from when it was added, not from when the import began', async () => {
    const world = await createWorld({ startsWorker: false });
    const { jobs, prefix, redis } = world;
    const imports = createImports({
      jobs,
      prefix,
      connection: redis,
      instances: [],
      soonMs: 0,
      maxWaiting: 10,
    });
    const options = { run: 'one', isAgain: false, begunAt: Date.now(), asOf: 0 };
    const run = await imports.begin('some', options);
    const place = { line: 1, added: 1, skipped: 0 };
    await run.add(run.place, [{ place, data: { clientId: 'c-1' } }], place);
    await redis.hset(jobs.toKey('import-some-00000001'), 'timestamp', Date.now() - HOUR_MS);
    const { jobs: told } = await statusOf(world);
    expect(told).toMatchObject({ waiting: 1, oldestWaitingMs: expect.any(Number) });
    expect((told as { oldestWaitingMs: number }).oldestWaitingMs).toBeLessThan(HOUR_MS / 2);
  });

  it('reports how the jobs of the last hour ended', async () => {
    const world = await createWorld();
    await world.run('create-user', { clientId: 'c-1' });
    await world.run('create-user', { clientId: 'c-2' });
    await world.run('create-user', { clientId: '' });
    expect((await statusOf(world))['lastHour']).toEqual([
      { operation: 'create-user', outcome: 'done', jobs: 2 },
      { operation: 'create-user', outcome: 'failed', code: 'invalid-job', jobs: 1 },
    ]);
    const { stdout } = await runCommand(['status'], world.env);
    expect(stdout).toContain('create-user  2 done · 1 failed (invalid-job 1)\n');
  });

  it('names the circuit that is open, why, until when, and how many wait', async () => {
    // No probe runs while the test looks.
    const never = { firstMs: HOUR_MS, lastMs: HOUR_MS };
    const world = await createWorld({
      modes: { badKey: '401' },
      env: { DAMOOV_INSTANCE_KEY: 'wrong' },
      timings: { probes: { credential: never, outage: never } },
    });
    await world.add('create-user', { clientId: 'c-1' });
    const open = { circuit: 'instance-key:default', isOpen: true, held: 1, reason: expect.any(String) };
    await expect
      .poll(async () => (await statusOf(world))['circuits'])
      .toEqual(expect.arrayContaining([expect.objectContaining(open)]));
    const { stdout } = await runCommand(['status'], world.env);
    expect(stdout).toMatch(/circuits +instance-key:default open for \d+\w: .* probe .* 1 waits\n/);
  });

  it('reports what the deletion limit holds', async () => {
    const world = await createWorld({ env: { DELETIONS_PER_HOUR: '0' } });
    await world.signUpElsewhere('c-1');
    await world.add('delete-user', { clientId: 'c-1' });
    await expect.poll(async () => (await statusOf(world))['deletionLimit']).toMatchObject({ held: 1 });
    const { stdout } = await runCommand(['status'], world.env);
    expect(stdout).toContain('holds 1 deletion for');
  });

  it('reports what is left of the logins, and of a bar on them', async () => {
    const world = await createWorld();
    await world.redis.set(`${world.prefix}:logins:barred`, String(Date.now() + HOUR_MS), 'PX', HOUR_MS);
    expect(await statusOf(world)).toMatchObject({ logins: { left: 4, barredUntil: expect.any(String) } });
    const { stdout } = await runCommand(['status'], world.env);
    expect(stdout).toMatch(/logins .*no login is allowed for 59m\n/);
  });

  it('reports the rate of the fleet', async () => {
    const world = await createWorld({ startsWorker: false, env: { DAMOOV_MAX_RPS: '12.5' } });
    expect(await statusOf(world)).toMatchObject({ rate: { ratePerS: 12.5 } });
  });

  it('has no colours where it is no terminal', async () => {
    const world = await createWorld({ startsWorker: false });
    const { stdout } = await runCommand(['status'], world.env);
    expect(stdout).not.toContain('\u001B');
  });

  it('with --watch goes on, and sees Redis go and come back', async () => {
    const proxy = await startTcpProxy(inject('redisUrl'));
    onTestFinished(() => proxy.close());
    const world = await createWorld({ startsWorker: false });
    const command = startCommand(['status', '--watch', '--every', '50ms', '--json'], {
      ...world.env,
      REDIS_URL: proxy.url,
    });
    const lines = createInterface({ input: command.stdout })[Symbol.asyncIterator]();
    const until = async (isIt: (line: Record<string, unknown>) => boolean) => {
      for (;;) {
        const { value, done } = await lines.next();
        if (done === true) throw new Error('it has ended');
        if (isIt(JSON.parse(value) as Record<string, unknown>)) return;
      }
    };
    await until((line) => 'jobs' in line);
    await world.add('create-user', { clientId: 'c-1' });
    await until(({ jobs }) => (jobs as { waiting: number }).waiting === 1);
    await proxy.sever();
    await until((line) => line['redis'] === 'away');
    await proxy.restore();
    await until((line) => 'jobs' in line);
    command.signal('SIGINT');
    expect(await command.exit).toBe(0);
  });

  it('shows the fleets under several prefixes', async () => {
    const [one, other] = [
      await createWorld({ startsWorker: false }),
      await createWorld({ startsWorker: false }),
    ];
    await other.add('create-user', { clientId: 'c-1' });
    const prefixes = ['--prefix', one.prefix, other.prefix];
    const { stdout: text } = await runCommand(['status', ...prefixes], one.env);
    const [first = '', second = ''] = text.split('\n\n');
    expect(first).toMatch(new RegExp(`^prefix +${one.prefix}\nuser-jobs +0 waiting`));
    expect(second).toMatch(new RegExp(`^prefix +${other.prefix}\nuser-jobs +1 waiting`));
    const { stdout } = await runCommand(['status', '--json', ...prefixes], one.env);
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { prefix: string; jobs: { waiting: number } });
    expect(lines.map(({ prefix, jobs }) => [prefix, jobs.waiting])).toEqual([
      [one.prefix, 0],
      [other.prefix, 1],
    ]);
  });

  it('does not call a fleet idle under a prefix that nothing has used, and still shows the others', async () => {
    const world = await createWorld({ startsWorker: false });
    const wrong = `${world.prefix}-wrong`;
    const { status, stdout, stderr } = await runCommand(
      ['status', '--json', '--prefix', wrong, world.prefix],
      world.env,
    );
    expect(status).toBe(1);
    expect(stderr).toContain(`no worker or producer has used the queue user-jobs under the prefix ${wrong}`);
    expect(JSON.parse(stdout)).toMatchObject({ prefix: world.prefix });
  });

  it('names every fleet that cannot be read', async () => {
    const world = await createWorld({ startsWorker: false });
    const [unused, broken] = [`${world.prefix}-unused`, `${world.prefix}-broken`];
    await world.redis.hset(`${broken}:user-jobs:meta`, 'version', 'bullmq:6.3.0');
    await world.redis.set(`${broken}:user-jobs:failed`, 'no set');
    const { stderr } = await runCommand(['status', '--prefix', unused, broken, world.prefix], world.env);
    expect(stderr).toMatch(
      new RegExp(`^prefix ${unused} cannot be read: .*\nprefix ${broken} cannot be read: `),
    );
  });

  it('with --watch goes on where one fleet of several cannot be read, and names it', async () => {
    const world = await createWorld({ startsWorker: false });
    const unused = `${world.prefix}-unused`;
    const prefixes = ['--prefix', unused, world.prefix];
    const command = startCommand(['status', '--watch', '--every', '50ms', '--json', ...prefixes], world.env);
    const lines = createInterface({ input: command.stdout })[Symbol.asyncIterator]();
    for (let times = 0; times < 2; times += 1) {
      expect(JSON.parse((await lines.next()).value ?? '')).toMatchObject({ prefix: world.prefix, jobs: {} });
      const fault = expect.stringContaining('no worker or producer has used');
      expect(JSON.parse((await lines.next()).value ?? '')).toEqual({ prefix: unused, fault });
    }
    command.signal('SIGINT');
    expect(await command.exit).toBe(0);
  });

  it('with --watch ends where nobody reads any more', async () => {
    const world = await createWorld({ startsWorker: false });
    const { child, exit } = spawnCommand(['status', '--watch', '--every', '10ms'], world.env);
    child.stdout.once('data', () => child.stdout.destroy());
    expect(await exit).toBe(1);
  });
});
