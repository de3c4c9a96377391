import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { makeFailedJobs } from '../../support/failed-jobs.ts';
import { type CommandEnd, runCommand, runProcess, spawnCommand } from '../../support/run-command.ts';
import { startTcpProxy } from '../../support/tcp-proxy.ts';
import { type World, type WorldOptions, createWorld } from '../../support/world.ts';

async function createFailedWorld(options: WorldOptions = { startsWorker: false }) {
  const world = await createWorld(options);
  const key = (name: string) => `${world.prefix}:user-jobs:${name}`;
  return {
    ...world,
    failed: (...args: string[]) => runCommand(['failed', ...args], world.env),
    make: (what: Parameters<typeof makeFailedJobs>[2]) => makeFailedJobs(world.redis, world.prefix, what),
    failedCount: () => world.redis.zcard(key('failed')),
    waitingIds: () => world.redis.lrange(key('wait'), 0, -1),
  };
}

interface Listed {
  counts: { total: number; by: { code: string; operation: string; jobs: number }[] };
  jobs: { jobId: string; attempts: number }[];
}

function listed({ status, stdout, stderr }: CommandEnd): Listed {
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return JSON.parse(stdout) as Listed;
}

async function failOnce(world: World, data: object): Promise<string> {
  const jobId = await world.add('create-user', data);
  await expect.poll(async () => (await world.jobs.getJob(jobId))?.getState()).toBe('failed');
  return jobId;
}

const HOUR_MS = 3_600_000;

describe('`failed list`', () => {
  it('chooses the jobs of a user', async () => {
    const world = await createFailedWorld({});
    const userId = '3d0d0165-ec19-8bb6-9018-d49217879e0a';
    const one = await failOnce(world, { clientId: 'c-1', instance: 'mars' });
    const other = await failOnce(world, { clientId: 'c-2', userId, instance: 'mars' });
    const idsOf = async (...args: string[]) =>
      listed(await world.failed('list', '--json', ...args)).jobs.map(({ jobId }) => jobId);
    expect(await idsOf('--client-id', 'c-1')).toEqual([one]);
    expect(await idsOf('--user-id', userId.toUpperCase())).toEqual([other]);
    expect(await idsOf('--client-id', 'c-1', '--user-id', userId)).toEqual([]);
    expect(await idsOf('--client-id', 'c-2', '--user-id', userId)).toEqual([other]);
    expect(await idsOf('--client-id', 'c-3')).toEqual([]);
    const { stdout } = await world.failed('list', '--json', '--client-id', 'c-1');
    expect(stdout).not.toContain('c-1');
  });

  it('shows the counts by code and operation first, then the oldest jobs as a table', async () => {
    const world = await createFailedWorld();
    await world.make({ count: 1200, failedAt: Date.now() - 30 * HOUR_MS });
    await world.make({
      count: 2,
      idStart: 'other',
      name: 'update-user',
      reason: 'user-not-found: no user\nwith this clientId\u001b[2J',
      attempts: 1,
      failedAt: Date.now() - 50 * HOUR_MS,
    });
    const { status, stdout } = await world.failed('list', '--limit', '3');
    expect(status).toBe(0);
    expect(stdout.split('\n')).toEqual([
      '1,200  retries-exhausted  create-user',
      '2      user-not-found     update-user',
      '1,202 in all',
      '',
      'age  attempts  operation    instance  job      code               message',
      '2d   1         update-user  default   other-1  user-not-found     no user with this clientId [2J',
      '2d   1         update-user  default   other-2  user-not-found     no user with this clientId [2J',
      '1d   15        create-user  default   job-1    retries-exhausted  create: status 503',
      '… 1,199 more (--limit)',
      '',
    ]);
  });

  it('with --json is one object, with --limit 0 a line for the counts and one for each job', async () => {
    const world = await createFailedWorld();
    await world.make({ count: 60, failedAt: Date.parse('2026-01-02T03:04:05.000Z'), stepMs: 0 });
    const { counts, jobs } = listed(await world.failed('list', '--json'));
    expect(counts).toEqual({
      total: 60,
      by: [{ code: 'retries-exhausted', operation: 'create-user', jobs: 60 }],
    });
    expect(jobs).toHaveLength(50);
    expect(jobs[0]).toEqual({
      jobId: 'job-1',
      operation: 'create-user',
      instance: 'default',
      code: 'retries-exhausted',
      message: 'create: status 503',
      attempts: 15,
      failedAt: '2026-01-02T03:04:05.000Z',
      addedAt: '2023-11-14T22:13:20.000Z',
    });
    const { stdout } = await world.failed('list', '--json', '--limit', '0');
    const [first, ...rest] = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as object);
    expect(first).toEqual({ counts, others: 0 });
    expect(rest).toHaveLength(60);
    expect(rest[0]).toEqual(jobs[0]);
  });

  it('chooses by code, operation, instance and age, and by all of them together', async () => {
    const world = await createFailedWorld();
    const now = Date.now();
    const kinds = [
      { idStart: 'a', reason: 'rejected: x', data: {}, failedAt: now - 50 * HOUR_MS },
      { idStart: 'b', reason: 'forbidden: x', data: { instance: 'mars' }, failedAt: now - 26 * HOUR_MS },
      { idStart: 'c', reason: 'rejected: x', name: 'delete-user', data: {}, failedAt: now - 3 * HOUR_MS },
      { idStart: 'd', reason: 'stalled', name: 'merge-user', data: {}, failedAt: now - HOUR_MS / 2 },
    ];
    for (const kind of kinds) await world.make({ count: 1, ...kind });
    const chosen = async (...args: string[]) =>
      listed(await world.failed('list', '--json', ...args)).jobs.map(({ jobId }) => jobId[0]);
    expect(await chosen()).toEqual(['a', 'b', 'c', 'd']);
    expect(await chosen('--code', 'rejected')).toEqual(['a', 'c']);
    expect(await chosen('--code', 'rejected', 'forbidden')).toEqual(['a', 'b', 'c']);
    expect(await chosen('--code', 'unknown')).toEqual(['d']);
    expect(await chosen('--operation', 'delete-user')).toEqual(['c']);
    expect(await chosen('--instance', 'unknown')).toEqual(['b']);
    expect(await chosen('--instance', 'default')).toEqual(['a', 'c', 'd']);
    expect(await chosen('--older-than', '1d')).toEqual(['a', 'b']);
    expect(await chosen('--newer-than', '1d')).toEqual(['c', 'd']);
    expect(await chosen('--older-than', '60m', '--newer-than', '1w')).toEqual(['a', 'b', 'c']);
    expect(await chosen('--code', 'rejected', '--operation', 'create-user', '--older-than', '2d')).toEqual([
      'a',
    ]);
  });

  it('says how many a filter has left out where it matches none', async () => {
    const world = await createFailedWorld();
    expect((await world.failed('list')).stdout).toBe('There is no failed job; each is kept for 14 days.\n');
    await world.make({ count: 2, idStart: 'a', data: '{"clientId": "c-1' });
    await world.make({ count: 1, idStart: 'b', reason: 'stalled', data: {} });
    const none = await world.failed('list', '--code', 'rejected');
    expect(none.stdout).toBe('No failed job matches, 3 others do not.\n');
    const json = await world.failed('list', '--json', '--code', 'rejected');
    expect(JSON.parse(json.stdout)).toEqual({ counts: { total: 0, by: [] }, others: 3, jobs: [] });
  });

  it('ends quietly where nobody reads on', async () => {
    const world = await createFailedWorld();
    await world.make({ count: 5000 });
    const { child, exit } = spawnCommand(['failed', 'list', '--limit', '0'], world.env);
    const complaints = text(child.stderr);
    await once(createInterface({ input: child.stdout }), 'line');
    child.stdout.destroy();
    expect(await exit).toBe(1);
    expect(await complaints).toBe('');
  });

  it.each([
    [['--code', 'retries-exhauste'], 'Allowed choices are'],
    [['--operation', 'merge-user'], 'Allowed choices are'],
    [['--instance', 'mars'], 'known: default, unknown'],
    [['--older-than', '2 fortnights'], 'a number and a unit'],
    [['--limit', '-1'], 'whole number'],
    [['everything'], 'too many arguments'],
  ])('refuses %j with status 2', async (args, message) => {
    const world = await createFailedWorld();
    const { status, stdout, stderr } = await world.failed('list', ...args);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain(message);
  });
});

describe('`failed retry`', () => {
  it('runs a job again as the same job, with fresh attempts, and its event comes', async () => {
    const world = await createFailedWorld({
      modes: { errorRate: 1 },
      env: { JOB_ATTEMPTS: '1' },
    });
    const jobId = await failOnce(world, { clientId: 'c-1', profile: { firstName: 'Old' } });
    const before = await world.jobs.getJob(jobId);
    await world.setModes({ errorRate: 0 });
    // Newer than the job that failed: what that one says of the same field is out of date.
    await world.run('create-user', { clientId: 'c-1', profile: { firstName: 'New' } });

    expect(await world.failed('retry', '--yes')).toMatchObject({ status: 0, stdout: '1 retried\n' });
    await expect
      .poll(() => world.events.filter((event) => event.data.jobId === jobId).map(({ type }) => type))
      .toEqual(['user.failed', 'user.created']);
    await expect.poll(async () => (await world.jobs.getJob(jobId))?.getState()).toBe('completed');
    expect(await world.jobs.getJob(jobId)).toMatchObject({
      timestamp: before?.timestamp,
      attemptsMade: 1,
      attemptsStarted: 1,
    });
    expect(await world.users()).toMatchObject([{ clientId: 'c-1', firstName: 'New' }]);
  });

  it('of a job that spent all its attempts grants it all of them again', async () => {
    const world = await createFailedWorld({ env: { JOB_ATTEMPTS: '3' } });
    // Logged in already: the look-ups of later attempts would wait for a login that fails as well.
    await world.run('create-user', { clientId: 'c-0' });
    await world.run('update-user', { clientId: 'c-0', changes: { phone: '1' } });
    await world.setModes({ errorRate: 1 });
    const jobId = await failOnce(world, { clientId: 'c-1' });
    const attempts = async () => listed(await world.failed('list', '--json')).jobs.map((job) => job.attempts);
    expect(await attempts()).toEqual([3]);
    expect((await world.failed('retry', '--yes')).stdout).toBe('1 retried\n');
    await expect.poll(async () => (await world.jobs.getJob(jobId))?.getState()).toBe('failed');
    expect(await attempts()).toEqual([3]);
    await world.setModes({ errorRate: 0 });
    await world.failed('retry', '--yes');
    await expect.poll(async () => (await world.users()).length).toBe(2);
  });

  it('by two at once retries each job exactly once', async () => {
    const world = await createFailedWorld();
    const count = 3000;
    await world.make({ count });
    const both = await Promise.all([1, 2].map(() => world.failed('retry', '--yes', '--json')));
    const results = both.map(({ stdout }) => JSON.parse(stdout) as { retried: number; gone: number });
    expect(both.map(({ status }) => status)).toEqual([0, 0]);
    expect(results.reduce((sum, { retried }) => sum + retried, 0)).toBe(count);
    const waiting = await world.waitingIds();
    expect(waiting).toHaveLength(count);
    expect(new Set(waiting).size).toBe(count);
  });

  it('says what is certain where Redis is lost on the way, and leaves the rest to be retried', async () => {
    const proxy = await startTcpProxy(inject('redisUrl'));
    onTestFinished(() => proxy.close());
    const world = await createFailedWorld();
    await world.make({ count: 1000 });
    const lost = proxy.dropReplies(1, ':settled:');
    const { status, stdout, stderr } = await runCommand(['failed', 'retry', '--yes'], {
      ...world.env,
      REDIS_URL: proxy.url,
    });
    await lost;
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toContain('the connection was lost (0 retried for certain, 200 more perhaps)');
    const { stdout: told } = await world.failed('retry', '--yes', '--json');
    expect(JSON.parse(told)).toMatchObject({ gone: 0 });
    expect(new Set(await world.waitingIds()).size).toBe(1000);
    expect(await world.failedCount()).toBe(0);
  });
});

describe('`failed drop`', () => {
  it('removes what was chosen, and nothing else', async () => {
    const world = await createFailedWorld();
    await world.make({ count: 3 });
    await world.make({ count: 2, idStart: 'other', reason: 'invalid-job: data: must change something' });
    const { status, stdout, stderr } = await world.failed('drop', '--code', 'invalid-job', '--yes');
    expect({ status, stdout }).toEqual({ status: 0, stdout: '2 dropped\n' });
    expect(stderr).toBe('2  invalid-job  create-user\n2 in all\n');
    expect(await world.failedCount()).toBe(3);
    expect(await world.redis.keys(`${world.prefix}*other*`)).toEqual([]);
  });
});

describe.each(['retry', 'drop'])('`failed %s`', (verb) => {
  it('without a terminal and without --yes shows the counts, does nothing, and exits with 2', async () => {
    const world = await createFailedWorld();
    await world.make({ count: 3 });
    const { status, stdout, stderr } = await world.failed(verb);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain('3 in all');
    expect(stderr).toMatch(/nothing was \w+: confirm with --yes/);
    expect(await world.failedCount()).toBe(3);
  });

  it('where no job matches says so and is done', async () => {
    const world = await createFailedWorld();
    await world.make({ count: 3 });
    const { status, stdout } = await world.failed(verb, '--code', 'forbidden');
    expect({ status, stdout }).toEqual({ status: 0, stdout: 'No failed job matches, 3 others do not.\n' });
  });
});

/** No room for the jobs, and young garbage in small portions: or V8 marks all the time, so near its limit. */
const SMALL = ['--max-old-space-size=48', '--max-semi-space-size=2'];

describe('a hundred thousand failed jobs', { tags: ['slow'] }, () => {
  it('are listed, retried and dropped in a heap of 48 MB', async () => {
    const world = await createFailedWorld();
    const count = 100_000;
    const small = (...args: string[]) => runProcess(['failed', ...args], world.env, SMALL);

    await world.make({ count, stepMs: 0 });
    const { child, exit } = spawnCommand(['failed', 'list', '--limit', '0', '--json'], world.env, SMALL);
    let lines = 0;
    for await (const line of createInterface({ input: child.stdout })) lines += line === '' ? 0 : 1;
    expect([await exit, lines]).toEqual([0, count + 1]);

    expect(await small('retry', '--yes')).toMatchObject({ status: 0, stdout: '100,000 retried\n' });
    expect(new Set(await world.waitingIds()).size).toBe(count);

    await world.make({ count, idStart: 'next' });
    expect(await small('drop', '--yes')).toMatchObject({ status: 0, stdout: '100,000 dropped\n' });
    expect(await world.failedCount()).toBe(0);
  });

  it('are no more to hold where each has the largest data there may be', async () => {
    const world = await createFailedWorld();
    // 128 MB of data and more than the heap holds, in few jobs.
    await world.make({ count: 2000, data: { clientId: 'c-1', reason: 'x'.repeat(64_000) } });
    const { status, stdout } = await runProcess(['failed', 'drop', '--yes'], world.env, SMALL);
    expect({ status, stdout }).toEqual({ status: 0, stdout: '2,000 dropped\n' });
  });
});

describe('personal data', () => {
  it('never reaches what the command says, wherever a job has it', async () => {
    const world = await createFailedWorld({
      modes: { errorRate: 1 },
      env: { JOB_ATTEMPTS: '1' },
    });
    const marks = ['Marked-First', 'Marked-Last', 'Marked-Nick', '+49-marked', 'marked@example.com'];
    const [firstName, lastName, nickname, phone, email] = marks;
    const profile = { firstName, lastName, nickname, phone, email };
    const jobs: [string, unknown][] = [
      ['create-user', { clientId: 'c-1', profile }],
      ['create-user', { profile: { ...profile, [email ?? '']: 1, [phone ?? '']: 2 } }],
      ['create-user', { ...profile, instance: firstName }],
      ['create-user', { instance: email }],
      ['create-user', { instance: { [email ?? '']: phone } }],
      ['create-user', `${firstName} ${email}`],
      ['create-user', [profile]],
      ['update-user', { clientId: ` ${email}`, changes: profile, [firstName ?? '']: phone }],
      [email ?? '', profile],
    ];
    for (const [name, data] of jobs) await world.add(name, data);
    // The queue keeps no job whose name may be a person's.
    await expect.poll(world.failedCount).toBe(jobs.length - 1);
    await world.make({ count: 1, reason: `Error: ${email}`, data: `{"instance": "${email}"` });
    await world.make({ count: 1, idStart: 'more', reason: `${email}: ${phone}`, name: email ?? '' });

    const ends = await Promise.all([
      world.failed('list'),
      world.failed('list', '--json'),
      world.failed('list', '--json', '--limit', '0'),
      world.failed('retry'),
    ]);
    const told = ends.map(({ stdout, stderr }) => `${stdout}${stderr}`).join('\n');
    expect(told).toContain('invalid-job');
    expect(told).toContain('10 in all');
    for (const mark of marks) expect(told).not.toContain(mark);
  });
});

describe('a Redis that is away', () => {
  it('is told of in one line, with its address and without its password, and with status 1', async () => {
    const proxy = await startTcpProxy(inject('redisUrl'));
    await proxy.close();
    const url = proxy.url.replace('redis://', 'redis://:hunter-2@');
    expect(await runCommand(['failed', 'list'], { REDIS_URL: url })).toEqual({
      status: 1,
      stdout: '',
      stderr: `Redis is away (${new URL(proxy.url).host}): ECONNREFUSED\n`,
    });
  });

  it('and does not even refuse is given up', async () => {
    const proxy = await startTcpProxy(inject('redisUrl'));
    onTestFinished(() => proxy.close());
    proxy.stall();
    const { status, stderr } = await runCommand(['failed', 'list'], { REDIS_URL: proxy.url }, undefined, {
      reachMs: 1000,
    });
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr: `Redis is away (${new URL(proxy.url).host}): no answer of a Redis\n`,
    });
  });

  it('makes no difference to a faulty configuration, which is told first', async () => {
    const { status, stderr } = await runCommand(['failed', 'list'], { REDIS_URL: 'http://x' });
    expect(status).toBe(2);
    expect(stderr).toContain('REDIS_URL: must be');
  });
});
