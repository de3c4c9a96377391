import { describe, expect, inject, it, onTestFinished, vi } from 'vitest';
import { runCommand } from '../../support/run-command.ts';
import { startShiftingPages } from '../../support/shifting-pages.ts';
import { startTcpProxy } from '../../support/tcp-proxy.ts';
import { startVastDamoov } from '../../support/vast-damoov.ts';
import { createReconcileWorld, csvOf, people, person, told } from './reconcile-world.ts';

describe('`reconcile`', () => {
  it('shows the counts, then the first of each kind', async () => {
    const world = await createReconcileWorld();
    const [, orphan] = await world.signUp([person(0), { clientId: 'evil\u001b[2J ' }]);
    const file = await world.write(csvOf([{ ...person(0), lastName: 'X', phone: 'y' }, ...people(1, 4)]));
    const { status, stdout } = await world.reconcile(file, '--show', '2');
    expect(status).toBe(1);
    expect(stdout).toBe(
      [
        'missing     3  in the list, not at Damoov',
        'orphaned    1  at Damoov, not in the list',
        'duplicated  0  in the list, several times at Damoov',
        'differing   1  at Damoov with other values than in the list',
        '4 in the list, 2 at Damoov',
        '',
        'missing',
        '  line 3  c-1',
        '  line 4  c-2',
        '  … 1 more (--show)',
        '',
        'orphaned',
        String.raw`  ${orphan}  "evil\u001b[2J "`,
        '',
        'differing',
        '  line 2  c-0  lastName, phone',
        '',
      ].join('\n'),
    );
  });

  it('reports values that Damoov does not show as unknown: neither equal nor different', async () => {
    const world = await createReconcileWorld();
    const vast = await startVastDamoov(2);
    onTestFinished(() => vast.close());
    const env = { ...world.env, DAMOOV_BASE_URL: vast.url };
    const file = await world.write('clientId,phone,tracking,status\nc-0,+44 0,no,active\nc-1,,true,active\n');
    const { status, stdout } = await runCommand(['reconcile', file], env);
    expect(status).toBe(0);
    expect(stdout).toContain('\nunknown     2  at Damoov, which does not show all listed values\n');
    expect(stdout).toContain('\nunknown\n  line 2  c-0  tracking\n  line 3  c-1  tracking\n');
    const [first, , last] = told(await runCommand(['reconcile', file, '--json'], env));
    expect(first).toMatchObject({ kind: 'unknown', line: 2, clientId: 'c-0', fields: ['tracking'] });
    expect(last?.summary).toMatchObject({ differing: 0, unknown: 2 });
  });

  it('prints every difference, and no name, email or phone anywhere', async () => {
    const world = await createReconcileWorld();
    const marks = {
      firstName: 'Marked-First',
      lastName: 'Marked-Last',
      phone: '+49-mark',
      email: 'mark@x.de',
    };
    const other = {
      firstName: 'Marked-Other',
      lastName: 'Marked-Else',
      phone: '+50-mark',
      email: 'mark@y.de',
    };
    await world.signUp([
      { clientId: 'a', ...marks },
      { clientId: 'orphan', ...marks },
    ]);
    const file = await world.write(
      csvOf([
        { clientId: 'a', ...other },
        { clientId: 'b', ...other },
      ]),
    );
    const ends = [
      await world.reconcile(file),
      await world.reconcile(file, '--json'),
      await world.reconcile(file, '--apply', '--yes'),
    ];
    expect(told(await world.reconcile(file, '--json')).map(({ kind }) => kind)).toEqual([
      'differing',
      'missing',
      'orphaned',
      undefined,
    ]);
    const all = ends.map(({ stdout, stderr }) => stdout + stderr).join('\n');
    for (const mark of [...Object.values(marks), ...Object.values(other)]) expect(all).not.toContain(mark);
  });

  it.each([
    [['--delete-orphans', '--yes'], '--delete-orphans, --yes: only with --apply'],
    [['--max-deletions', '5'], '--max-deletions: only with --apply'],
    [['--as-of', '2999-01-01T00:00:00Z'], 'must not be in the future'],
    [['--instance', 'mars'], 'known: default'],
    [['--page-size', '0'], 'must be a whole number, 1 to 1000'],
  ])('refuses %j with status 2', async (args, message) => {
    const world = await createReconcileWorld();
    const { status, stdout, stderr } = await world.reconcile(await world.write('clientId\na\n'), ...args);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain(message);
  });

  it('refuses to have everybody deleted by an empty list', async () => {
    const world = await createReconcileWorld();
    await world.signUp([{ clientId: 'a' }]);
    const file = await world.write('clientId\n');
    const { status, stderr } = await world.reconcile(file, '--apply', '--delete-orphans', '--yes');
    expect(status).toBe(2);
    expect(stderr).toContain('every user would be deleted');
  });

  it('without a Damoov or an admin says what is needed', async () => {
    const world = await createReconcileWorld();
    const file = await world.write('clientId\na\n');
    const { DAMOOV_ADMIN_EMAIL: _email, DAMOOV_ADMIN_PASSWORD: _password, ...env } = world.env;
    const withoutAdmin = await runCommand(['reconcile', file], env);
    expect(withoutAdmin.stderr).toBe('DAMOOV_ADMIN_EMAIL: is needed, because only an admin may read users\n');
    const { REDIS_URL, QUEUE_PREFIX } = env as { REDIS_URL: string; QUEUE_PREFIX: string };
    const withoutDamoov = await runCommand(['reconcile', file], { REDIS_URL, QUEUE_PREFIX });
    expect(withoutDamoov.stderr).toContain('DAMOOV_ADMIN_PASSWORD: must be set');
    expect([withoutAdmin.status, withoutDamoov.status]).toEqual([2, 2]);
  });

  it('ends with status 1 where Redis goes away meanwhile', async () => {
    const world = await createReconcileWorld();
    const file = await world.write(csvOf(people(0, 10)));
    await world.signUp(people(0, 10));
    const redis = await startTcpProxy(inject('redisUrl'));
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'], shouldAdvanceTime: true });
    onTestFinished(() => void vi.useRealTimers());
    const { url } = await startShiftingPages(world.sandboxUrl, async (page) => {
      if (page !== 3) return;
      await redis.close();
      // That nothing limits the fleet is believed for a second; then each request waits for leave for five.
      vi.advanceTimersByTime(1000);
      const skipping = setInterval(() => vi.advanceTimersByTime(500), 10);
      onTestFinished(() => clearInterval(skipping));
    });
    const env = { ...world.env, DAMOOV_BASE_URL: url, REDIS_URL: redis.url };
    const clock = { now: () => performance.now(), pause: async () => {} };
    const end = await runCommand(['reconcile', file, '--page-size', '1'], env, undefined, { clock });
    expect(end).toEqual({
      status: 1,
      stdout: '',
      stderr: `Redis is away (${new URL(redis.url).host}): the connection was lost\n`,
    });
  });

  it('shares the session of the fleet: a second run logs in no more', async () => {
    const world = await createReconcileWorld();
    const file = await world.write('clientId\na\n');
    await world.reconcile(file);
    await world.reconcile(file);
    expect(await world.requests('login')).toHaveLength(1);
  });
});
