import { describe, expect, it } from 'vitest';
import { runCommand } from '../../support/run-command.ts';
import { createReconcileWorld, csvOf, nextMillisecond, people } from './reconcile-world.ts';

describe('a list that is the wrong one', () => {
  const deletions = ['--apply', '--delete-orphans', '--older-than', '0s', '--yes'];
  const added = (world: Awaited<ReturnType<typeof createReconcileWorld>>) =>
    world.jobs.getJobCountByTypes('wait', 'delayed');

  it('has no more than a tenth of the users deleted, unless so many are allowed', async () => {
    const world = await createReconcileWorld();
    await world.signUp(people(0, 10));
    await nextMillisecond();
    const short = await world.write(csvOf(people(0, 8)));
    const { status, stdout, stderr } = await world.reconcile(short, ...deletions);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain('2 users would be deleted, and that is more than a tenth of the 10 at Damoov');
    expect(stderr).toContain('--max-deletions 2');
    expect((await world.reconcile(short, ...deletions, '--max-deletions', '1')).status).toBe(2);
    expect(await added(world)).toBe(0);
    const nearlyAll = await world.write(csvOf(people(0, 9)), 'nearly-all.csv');
    expect((await world.reconcile(nearlyAll, ...deletions)).status).toBe(0);
    expect((await world.reconcile(short, ...deletions, '--max-deletions', '2')).status).toBe(0);
    expect(await added(world)).toBe(2);
  });

  it.each([
    [
      'with an id that a spreadsheet has changed',
      'clientId\nc-0\n1.23457E+16\n',
      'clientId like 4.48E+11: 1 (line 3)',
    ],
    [
      'with the last digits of its ids lost',
      'clientId\nc-0\n1234567890123450\n',
      'clientId with only zeros after 15 digits: 1 (line 3)',
    ],
    [
      'with an id of another instance changed',
      'clientId,instance\nc-0,\n1E+16,eu\n',
      'clientId like 4.48E+11: 1 (line 3)',
    ],
    [
      'with a row that names nobody',
      'clientId,notes\nc-0,\n,Ada\n',
      'rows without a value in any column that is read: 1 (line 3)',
    ],
  ])('%s has nobody deleted, and nothing is asked of Damoov', async (_, content, why) => {
    const world = await createReconcileWorld();
    const env = await world.withInstances('eu');
    const file = await world.write(content);
    const args = ['reconcile', file, '--map', '*=', ...deletions, '--max-deletions', '9'];
    const { status, stdout, stderr } = await runCommand(args, env);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain(`\n--delete-orphans: the list may mean users whose ids it does not have`);
    expect(stderr.split('\n').at(-2)).toContain(why);
    expect(await world.requests('login')).toEqual([]);
    expect((await runCommand(['reconcile', file, '--map', '*='], env)).status).toBe(1);
  });

  it('has nobody deleted where nobody in it is known, and adds nobody either', async () => {
    const world = await createReconcileWorld();
    await world.signUp(people(0, 2));
    await nextMillisecond();
    const file = await world.write(csvOf(people(50, 60)));
    const { status, stderr } = await world.reconcile(file, ...deletions);
    expect(status).toBe(2);
    expect(stderr).toContain('no user of the list is known at Damoov');
    expect(await added(world)).toBe(0);
  });
});

describe('a list in another writing', () => {
  const deletions = ['--apply', '--delete-orphans', '--older-than', '0s', '--yes'];

  async function createWritings() {
    const world = await createReconcileWorld();
    const ids = await world.signUp([
      ...people(0, 20),
      ...['Case@X.com', '00123', 'wide ', 'orphan'].map((clientId) => ({ clientId })),
    ]);
    await nextMillisecond();
    const [renamed] = await world.signUp([{ clientId: 'old' }]);
    await nextMillisecond();
    const alike = [...['case@x.com', '123', 'wide'].map((clientId) => [clientId]), ['new', renamed]];
    const rows = [...people(0, 20).map(({ clientId }) => [clientId]), ...alike];
    const file = await world.write(['clientId,userId', ...rows.map(([a, b = '']) => `${a},${b}`)].join('\n'));
    return { ...world, file, orphans: ids.slice(20) };
  }

  it('is recognised by its lines that look like users at Damoov', async () => {
    const { reconcile, file, orphans } = await createWritings();
    const { stdout } = await reconcile(file);
    expect(stdout).toContain('\n4 orphaned users look like a row of the list: the same clientId in another');
    expect(stdout).toContain(`\n  ${orphans[0]}  Case@X.com  looks like line 22\n`);
    expect(stdout).toContain(`\n  ${orphans[3]}  orphan\n`);
  });

  it('has nobody deleted for that, but others', async () => {
    const world = await createWritings();
    const { status, stdout, stderr } = await world.reconcile(world.file, ...deletions);
    expect(stderr).toContain('4 orphaned users look like a row of the list');
    expect(stdout).toContain('1 delete-user added\n4 orphaned left: like a row of the list\n');
    expect(status).toBe(1);
    const jobs = await world.jobs.getJobs(['delayed']);
    expect(jobs.map(({ data }) => data as object)).toMatchObject([{ clientId: 'orphan' }]);
  });
});
