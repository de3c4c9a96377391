import { describe, expect, it } from 'vitest';
import { runCommand } from '../support/run-command.ts';
import { type World, createWorld } from '../support/world.ts';

const HOUR_MS = 3_600_000;
const ACCESS = { user: 'ops', password: 'a password that is long' };

/** What other clients may have written into jobs that are delayed or have failed, with the score of each. */
const IMPOSSIBLE: readonly [string, string, Record<string, string>][] = [
  ['beyond', '3.6e19', { timestamp: '1795878932453', delay: '8900000000000000' }],
  ['infinite', 'inf', { timestamp: '1795878932453', delay: '1e400' }],
  ['no-times', '7355919000000000', { timestamp: 'NaN', delay: 'never' }],
  ['huge-time', '7355919000000001', { timestamp: '1e300', delay: '0' }],
  ['no-json', '7355919000000002', { data: '{"clientId": "c-1', timestamp: '1795878932453', delay: '0' }],
  ['a-number', '7355919000000003', { data: '17', timestamp: '-1e18', delay: '0' }],
  ['numbers', '7355919000000004', { data: '{"clientId":17,"userId":{},"instance":[]}', timestamp: '' }],
  ['deep', '7355919000000005', { data: '['.repeat(3000), timestamp: '1795878932453' }],
  ['bare', '7355919000000006', {}],
];

async function layImpossible(
  { redis, prefix }: World,
  set: 'delayed' | 'failed',
  name: string,
): Promise<void> {
  const base = `${prefix}:user-jobs:`;
  for (const [id, score, fields] of IMPOSSIBLE) {
    const failed = set === 'failed' && { finishedOn: '1795878932453' };
    await redis.hset(`${base}${id}`, { name, data: '{"clientId":"c-1"}', opts: '{}', ...failed, ...fields });
    await redis.zadd(`${base}${set}`, score, id);
  }
}

const lines = (text: string) => text.split('\n').filter((line) => line !== '');

describe('one impossible value in a job does not end a report about all jobs', () => {
  it('in the list of deletions, which shows each and counts what cannot be read', async () => {
    const world = await createWorld({ startsWorker: false });
    await layImpossible(world, 'delayed', 'delete-user');
    await world.add('delete-user', { clientId: 'c-2' }, { delay: HOUR_MS });
    const list = await runCommand(['deletions', 'list'], world.env);
    expect([list.status, list.stderr]).toEqual([0, '']);
    const beyond = lines(list.stdout).filter((line) => line.startsWith('beyond the calendar\t'));
    expect(beyond.map((line) => [line.split('\t')[1], line.split('\t').at(-1)])).toEqual([
      [expect.stringMatching(/^in [\d,]+ days/), 'beyond'],
    ]);
    const unknown = lines(list.stdout).filter((line) => line.startsWith('unknown\t'));
    expect(unknown.map((line) => line.split('\t').at(-1))).toEqual(['bare', 'no-times', 'numbers']);
    expect(list.stdout).toContain('3 pending deletions have unreadable data');
    const json = await runCommand(['deletions', 'list', '--json'], world.env);
    const told = lines(json.stdout).map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(told.at(-1)).toMatchObject({ note: expect.any(String), shown: 7, unreadable: 3, inLine: 0 });
    const of = (jobId: string) => told.find((deletion) => deletion['jobId'] === jobId);
    expect(of('beyond')).toMatchObject({ dueAt: null, clientId: 'c-1', isByOthers: true });
    expect(of('no-times')).toMatchObject({ dueAt: null, requestedAt: null });
    expect(of('bare')).toMatchObject({ requestedAt: null });
    expect(of('numbers')).toEqual(expect.not.objectContaining({ clientId: 17 }));
    const ofUser = await runCommand(['deletions', 'list', '--client-id', 'c-2'], world.env);
    expect(lines(ofUser.stdout).slice(1)).toEqual([
      expect.stringContaining('c-2'),
      expect.stringContaining('unreadable data'),
    ]);
  });

  it('in the list of failed jobs, of which each can be dropped', async () => {
    const world = await createWorld({ startsWorker: false });
    await layImpossible(world, 'failed', 'update-user');
    const failed = (...args: string[]) => runCommand(['failed', ...args], world.env);
    const list = await failed('list');
    expect([list.status, list.stderr]).toEqual([0, '']);
    for (const [id] of IMPOSSIBLE) expect(list.stdout).toContain(`  ${id}`);
    const { stdout } = await failed('list', '--json');
    expect(JSON.parse(stdout)).toMatchObject({ counts: { total: IMPOSSIBLE.length } });
    expect((await failed('drop', '--yes', '--json')).stdout).toBe(
      `{"dropped":${IMPOSSIBLE.length},"gone":0}\n`,
    );
  });

  it('in status and doctor, of deletions and of a job in line', async () => {
    const world = await createWorld({ startsWorker: false });
    await layImpossible(world, 'delayed', 'delete-user');
    await world.add('create-user', { clientId: 'c-2' }, { timestamp: 1e300 });
    for (const args of [['status'], ['status', '--json']]) {
      const { status, stderr, stdout } = await runCommand(args, world.env);
      expect([args, status, stderr]).toEqual([args, 0, '']);
      expect(stdout).not.toContain('NaN');
    }
    const { stdout } = await runCommand(['doctor'], world.env);
    expect(stdout).toContain('ok    queues');
  });

  it('in metrics, and on the dashboard', async () => {
    const { user: DASHBOARD_USER, password: DASHBOARD_PASSWORD } = ACCESS;
    const world = await createWorld({ startsWorker: false, env: { DASHBOARD_USER, DASHBOARD_PASSWORD } });
    await world.add('delete-user', { clientId: 'c-1' }, { delay: 8.9e15 });
    const { url } = await world.startWorker();
    const metrics = await (await fetch(`${url}/metrics`)).text();
    expect(metrics).toContain('damoov_users_redis_up 1\n');
    const authorization = `Basic ${btoa(`${ACCESS.user}:${ACCESS.password}`)}`;
    const get = (path: string) => fetch(`${url}/dashboard${path}`, { headers: { authorization } });
    expect((await get('/panels.json')).status).toBe(200);
    await world.jobs.pause();
    await layImpossible(world, 'delayed', 'delete-user');
    for (const path of [
      '/jobs?state=delayed',
      '/jobs?state=blocked',
      '/deletions',
      ...IMPOSSIBLE.map(([id]) => `/jobs/${id}`),
    ]) {
      const answer = await get(path);
      expect({ path, status: answer.status }).toEqual({ path, status: 200 });
      expect(await answer.text()).not.toMatch(/NaN|Infinity|Invalid/);
    }
    const delayed = await (await get('/jobs?state=delayed')).text();
    for (const [id] of IMPOSSIBLE) expect(delayed).toContain(`href="/dashboard/jobs/${id}"`);
    await layImpossible(world, 'failed', 'update-user');
    const failed = await get('/jobs?state=failed');
    expect(failed.status).toBe(200);
    expect(await failed.text()).not.toMatch(/NaN|Infinity|Invalid/);
  });
});
