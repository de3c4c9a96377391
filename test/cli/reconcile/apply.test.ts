import { describe, expect, it } from 'vitest';
import { BULK_PRIORITY } from '../../../src/contract/job-options.ts';
import { createReconcileWorld, csvOf, nextMillisecond, people, person, told } from './reconcile-world.ts';

const DAY_MS = 86_400_000;

describe('`reconcile --apply`', () => {
  it('adds jobs for the missing and the differing, after which nothing differs', async () => {
    const world = await createReconcileWorld();
    await world.signUp(people(0, 10));
    const rows = [...people(0, 8), { ...person(8), phone: '+1' }, { ...person(9), email: '' }, person(10)];
    const file = await world.write(csvOf(rows));
    const end = await world.reconcile(file, '--apply', '--yes', '--empty-clears');
    expect({ status: end.status, stderr: end.stderr.split('\n').at(-2) }).toEqual({
      status: 0,
      stderr: 'to be added: 1 create-user, 2 update-user, 0 delete-user',
    });
    expect(end.stdout).toContain('1 create-user, 2 update-user, 0 delete-user added');
    // Live sign-ups go first.
    expect(await world.jobs.getWaitingCount()).toBe(0);
    const data = (await world.jobs.getJobs(['prioritized'])).map((job) => job.data as object);
    const occurredAt = (data[0] as { occurredAt: string }).occurredAt;
    const { clientId, ...profile } = person(10);
    expect(new Set(data)).toEqual(
      new Set([
        { clientId, profile, instance: 'default', occurredAt },
        { clientId: 'c-8', changes: { phone: '+1' }, instance: 'default', occurredAt },
        { clientId: 'c-9', changes: { email: null }, instance: 'default', occurredAt },
      ]),
    );
    await world.startWorker();
    await expect.poll(() => world.events.length).toBe(3);
    expect((await world.reconcile(file, '--empty-clears')).status).toBe(0);
  });

  it('writes settings and the status, also of a user who was missing', async () => {
    const world = await createReconcileWorld();
    await world.signUp(['same', 'on', 'off'].map((clientId) => ({ clientId })));
    // As Damoov shows a new user: only tracking is on, and the user is active.
    const rows = [
      'same,yes,no,active',
      'on,1,TRUE,',
      'off,false,,deactivated',
      'new,0,,active',
      'gone,,,Deactivated',
    ];
    const file = await world.write(['clientId,EnableTracking,enable_logging,Status', ...rows].join('\n'));
    const end = await world.reconcile(file, '--apply', '--yes', '--empty-clears');
    expect(end.status).toBe(0);
    expect(end.stderr).toContain('to be added: 2 create-user, 3 update-user, 0 delete-user');
    const jobs = await world.jobs.getJobs(['prioritized']);
    const data = jobs.map((job) => {
      const { occurredAt: _at, instance: _instance, ...rest } = job.data as Record<string, unknown>;
      return { name: job.name, ...rest };
    });
    expect(new Set(data)).toEqual(
      new Set([
        { name: 'create-user', clientId: 'new', profile: {}, settings: { tracking: false } },
        { name: 'create-user', clientId: 'gone', profile: {} },
        { name: 'update-user', clientId: 'gone', changes: { status: 'deactivated' } },
        { name: 'update-user', clientId: 'on', changes: { settings: { logging: true } } },
        {
          name: 'update-user',
          clientId: 'off',
          changes: { settings: { tracking: false }, status: 'deactivated' },
        },
      ]),
    );
    await world.startWorker();
    await expect.poll(() => world.events.length).toBe(5);
    expect((await world.reconcile(file, '--empty-clears')).status).toBe(0);
  });

  it('counts from when the list was made: what was asked for since stands', async () => {
    const world = await createReconcileWorld({ startsWorker: true });
    await world.run('create-user', { clientId: 'gone' });
    await world.run('create-user', { clientId: 'moved', profile: { phone: 'old' } });
    const file = await world.write('clientId,phone\ngone,\nmoved,old\n');
    await nextMillisecond();
    await world.run('delete-user', { clientId: 'gone' });
    await world.run('update-user', { clientId: 'moved', changes: { phone: 'new' } });
    await world.run('create-user', { clientId: 'young' });
    const before = await world.mutations();
    const seen = world.events.length;
    const end = await world.reconcile(file, '--apply', '--delete-orphans', '--yes', '--json');
    // A user that signed up after the list was made is not orphaned.
    expect(told(end).at(-1)?.summary).toMatchObject({
      missing: 1,
      differing: 1,
      orphaned: 0,
      added: { create: 1, update: 1, delete: 0, pending: 0 },
      left: { orphaned: 0, young: 0, duplicated: 0 },
    });
    await expect.poll(() => world.events.slice(seen).map(({ type }) => type)).toHaveLength(2);
    expect(world.events.slice(seen).map(({ type }) => type)).toEqual(['user.superseded', 'user.superseded']);
    expect(await world.mutations()).toBe(before);
  });

  it('deletes no orphan that has signed up since the list was made', async () => {
    const world = await createReconcileWorld({ startsWorker: true });
    const { userId } = (await world.run('create-user', { clientId: 'back' })).data;
    const file = await world.write('clientId\na\n');
    await nextMillisecond();
    await world.run('create-user', { clientId: 'back' });
    const apply = '--apply --delete-orphans --max-deletions 1 --older-than 0s --in 0s --yes --json'.split(
      ' ',
    );
    const lines = told(await world.reconcile(file, ...apply));
    expect(lines).toContainEqual(expect.objectContaining({ kind: 'orphaned', userId }));
    const superseded: unknown = expect.objectContaining({ operation: 'delete-user', by: 'create' });
    await expect
      .poll(() => world.events)
      .toContainEqual(expect.objectContaining({ type: 'user.superseded', data: superseded }));
    expect(await world.requests('delete')).toEqual([]);
  });

  it('leaves the orphaned and the duplicated, and shows that by its status', async () => {
    const world = await createReconcileWorld();
    await world.signUp([{ clientId: 'a' }, { clientId: 'a' }, { clientId: 'orphan' }]);
    const file = await world.write('clientId\na\n');
    const end = await world.reconcile(file, '--apply', '--yes');
    expect(end.status).toBe(1);
    expect(end.stdout).toContain(
      '1 orphaned left (--delete-orphans)\n1 duplicated left: delete all but one by its UserId',
    );
    expect(await world.jobs.getJobCountByTypes('wait', 'delayed')).toBe(0);
  });

  it('has the orphaned deleted in a week if requested, once', async () => {
    const world = await createReconcileWorld({ sandbox: { clock: () => Date.now() - 2 * DAY_MS } });
    const ids = await world.signUp([
      { clientId: 'orphan' },
      { clientId: 'twice' },
      { clientId: 'twice' },
      { firstName: 'Nobody' },
    ]);
    await world.signUp([{ clientId: 'a' }]);
    const file = await world.write('clientId\na\n');
    const options = '--apply --delete-orphans --max-deletions 4 --yes --json'.split(' ');
    const apply = () => world.reconcile(file, ...options);
    const first = await apply();
    expect(first.status).toBe(0);
    expect(told(first).at(-1)?.summary).toMatchObject({ added: { delete: 4, pending: 0 } });
    expect(told(await apply()).at(-1)?.summary).toMatchObject({ added: { delete: 0, pending: 4 } });
    const jobs = await world.jobs.getJobs(['delayed']);
    expect(new Set(jobs.map(({ priority }) => priority))).toEqual(new Set([BULK_PRIORITY]));
    expect(jobs.map(({ name, delay }) => [name, Math.round(delay / DAY_MS)])).toEqual(
      Array.from({ length: 4 }, () => ['delete-user', 7]),
    );
    const data = jobs.map((job) => job.data as { userId: string; clientId?: string });
    expect(new Set(data.map(({ userId }) => userId))).toEqual(new Set(ids));
    const clientIds = data.map(({ clientId }) => clientId ?? '');
    expect(clientIds.sort((a, b) => (a < b ? -1 : 1))).toEqual(['', '', 'orphan', 'twice']);
  });

  it('deletes nobody who may have signed up while the list was made', async () => {
    const world = await createReconcileWorld();
    await world.signUp([{ clientId: 'a' }, { clientId: 'young' }]);
    await nextMillisecond();
    const file = await world.write('clientId\na\n');
    const apply = (...args: string[]) =>
      world.reconcile(file, '--apply', '--delete-orphans', '--max-deletions', '1', '--yes', ...args);
    const end = await apply();
    expect(end.status).toBe(1);
    expect(end.stdout).toContain('1 orphaned left: too young (--older-than)');
    expect(await world.jobs.getJobCountByTypes('wait', 'delayed')).toBe(0);
    expect((await apply('--older-than', '0s')).status).toBe(0);
    expect(await world.jobs.getJobCountByTypes('delayed')).toBe(1);
  });

  it('without a terminal and without --yes shows the counts, adds nothing, and exits with 2', async () => {
    const world = await createReconcileWorld();
    const file = await world.write('clientId\na\n');
    const { status, stdout, stderr } = await world.reconcile(file, '--apply');
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain('to be added: 1 create-user, 0 update-user, 0 delete-user');
    expect(stderr).toContain('nothing was added: confirm with --yes');
    expect(await world.jobs.getJobCountByTypes('wait', 'delayed')).toBe(0);
  });
});
