import { spawn } from 'node:child_process';
import { readdir, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { runCommand } from '../../support/run-command.ts';
import { nothingConfigured } from '../../support/spawn-worker.ts';
import { createImportWorld, csvOf } from './import-world.ts';

describe('`import`', () => {
  it('adds a create-user job for each row, in the order of the file', async () => {
    const world = await createImportWorld();
    const path = await world.file(
      'Customer No;FirstName;EMAIL;createAccessToken;notes\nc-1;Ada;;true;x\nc-2;;a@b.c;;\n;;;;\n',
    );
    const occurredAt = '2026-01-02T03:04:05.000Z';
    await utimes(path, new Date(), new Date(occurredAt));
    const { status, stdout } = await world.import(path, '--map', 'customer no=clientId', 'notes=');
    expect({ status, stdout }).toEqual({ status: 0, stdout: '2 rows: 2 added\n' });
    // As of when the file was written.
    expect(await world.data()).toEqual([
      { clientId: 'c-1', createAccessToken: true, profile: { firstName: 'Ada' }, occurredAt },
      { clientId: 'c-2', profile: { email: 'a@b.c' }, occurredAt },
    ]);
    const jobs = await world.jobs.getPrioritized();
    expect(new Set(jobs.map(({ name }) => name))).toEqual(new Set(['create-user']));
    expect(new Set(jobs.map(({ timestamp }) => timestamp)).size).toBe(1);
  });

  it('reads NDJSON, and the standard input, of which nothing is left behind', async () => {
    const world = await createImportWorld();
    const input = '{"clientId":"c-1","profile":{"phone":"1"}}\n{"ClientId":"c-2","Phone":"2"}\n';
    vi.stubEnv('TMPDIR', world.directory);
    onTestFinished(() => void vi.unstubAllEnvs());
    const args = ['import', '-', '--format', 'ndjson', '--json'];
    const { status, stdout } = await runCommand(args, world.env, input);
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ rows: 2, added: 2, skipped: 0 });
    expect(await world.data()).toMatchObject([
      { clientId: 'c-1', profile: { phone: '1' } },
      { clientId: 'c-2', profile: { phone: '2' } },
    ]);
    expect(await readdir(world.directory)).toEqual([]);
    // The same rows are the same import, wherever they lie.
    const path = await world.file(input, 'users.ndjson');
    expect((await world.import(path)).stdout).toMatch(/^complete since .*: nothing to add/);
    expect(await world.waiting()).toBe(2);
  });

  it('has the settings of a row in its job, and refuses what a sign-up cannot do', async () => {
    const world = await createImportWorld();
    const rows = ['c-1,TRUE,no,active', 'c-2,,,', 'c-3,1,,Deactivated', 'c-4,on,,locked'];
    const path = await world.file(['clientId,EnableTracking,enabled,status', ...rows].join('\n'));
    const { status, stderr } = await world.import(path);
    expect(status).toBe(2);
    expect(stderr.split('\n').slice(0, 3)).toEqual([
      "line 4, status: a sign-up makes an active user: omit the column (--map 'status='), then use suspend, or reconcile --apply",
      'line 5, tracking: must be true, yes or 1, or false, no or 0',
      'line 5, status: must be active or deactivated',
    ]);
    expect((await world.import(path, '--skip-invalid')).stdout).toBe('4 rows: 2 added, 2 skipped\n');
    const occurredAt: unknown = expect.any(String);
    expect(await world.data()).toEqual([
      { clientId: 'c-1', settings: { enabled: false, tracking: true }, occurredAt },
      { clientId: 'c-2', occurredAt },
    ]);
  });

  it('reports all faults by line and column, no value, and adds nothing', async () => {
    const world = await createImportWorld();
    const marks = ['Marked-First', 'marked@example.com', '+49-marked'];
    const [first, email, phone] = marks;
    const path = await world.file(
      [
        'clientId,firstName,email,phone,occurredAt',
        `c-1,${first},${email},${phone},${first}`,
        `" ",${first}`,
        `c-3,${first},${email},${phone},,`,
        `c-4,${first},${email},${phone},2026-01-01T00:00:00Z`,
        `c-4,${first},${email},${'x'.repeat(1100)},`,
        `c-4,${first},${email},${phone},`,
      ].join('\n'),
    );
    const { status, stdout, stderr } = await world.import(path);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr.split('\n')).toEqual([
      'line 2, occurredAt: must be a time in ISO 8601 with a zone, such as 2027-01-31T12:00:00Z',
      'line 3: has 2 columns, but the header has 5',
      'line 4: has 6 columns, but the header has 5',
      expect.stringMatching(/^line 6, phone: Too big/),
      'line 7, clientId: same as in line 5',
      'nothing was added: correct them, or omit 5 of 6 rows with --skip-invalid',
      '',
    ]);
    for (const mark of marks) expect(stderr).not.toContain(mark);
    expect(await world.adds()).toBe(0);
    const told = JSON.parse((await world.import(path, '--json')).stdout) as object;
    expect(told).toMatchObject({ rows: 6, faultyRows: 5, faultCount: 5, isReadable: true });
  });

  it('has a fault where a userId is there in an earlier row, in whatever case', async () => {
    const world = await createImportWorld();
    const [one, other] = ['3d0d0165-ec19-8bb6-9018-d49217879e0a', '7a1f6a0e-5c7b-8d21-b0a4-2f9d6c1e8b35'];
    const rows = [`,${one}`, `,${one.toUpperCase()}`, `c-1,${other}`, `c-2,${other.toUpperCase()}`];
    const path = await world.file(`clientId,userId\n${rows.join('\n')}\n`);
    const { status, stderr } = await world.import(path);
    expect(status).toBe(2);
    expect(stderr.split('\n').slice(0, 2)).toEqual([
      'line 3, userId: same as in line 2',
      'line 5, userId: same as in line 4',
    ]);
    expect((await world.import(path, '--allow-duplicates')).stdout).toBe('4 rows: 4 added\n');
  });

  it('shows the first fifty faults and counts the rest', async () => {
    const world = await createImportWorld();
    const path = await world.file(`clientId,email\n${' ,e\n'.repeat(120)}`);
    const { status, stderr } = await world.import(path);
    expect(status).toBe(2);
    expect(stderr.split('\n').filter((line) => line.startsWith('line'))).toHaveLength(50);
    expect(stderr).toContain('… 70 faults more');
  });

  it('with --skip-invalid adds the rows that have no fault', async () => {
    const world = await createImportWorld();
    const path = await world.file('clientId,email\nc-1,e\n ,e\nc-1,again\nc-2\nc-3,e\n');
    const { status, stdout } = await world.import(path, '--skip-invalid');
    expect({ status, stdout }).toEqual({ status: 0, stdout: '5 rows: 2 added, 3 skipped\n' });
    expect(await world.data()).toMatchObject([
      { clientId: 'c-1', profile: { email: 'e' } },
      { clientId: 'c-3' },
    ]);
  });

  it('with --skip-invalid takes no row for the repetition of one that it leaves out', async () => {
    const world = await createImportWorld();
    const userId = '3d0d0165-ec19-8bb6-9018-d49217879e0a';
    const path = await world.file(`clientId,userId\na,${userId}\nb,${userId}\nb,\n`);
    expect((await world.import(path, '--skip-invalid')).status).toBe(0);
    const ids = (await world.data()).map(({ clientId }) => clientId);
    expect(new Set(ids)).toEqual(new Set(['a', 'b']));
  });

  it('adds nothing of a file whose rows cannot be told apart, --skip-invalid or not', async () => {
    const world = await createImportWorld();
    const path = await world.file('clientId,email\nc-1,e\nc-2,"e\nc-3,e\n');
    const { status, stderr } = await world.import(path, '--skip-invalid');
    expect(status).toBe(2);
    expect(stderr).toContain('line 3: the quote that opens here is never closed');
    expect(await world.adds()).toBe(0);
  });

  it('with --allow-duplicates lets the later of two rows of one user win', async () => {
    const world = await createImportWorld({});
    const rows = Array.from({ length: 12 }, (_, n) => `c-1,${n}`);
    const path = await world.file(`clientId,phone\n${rows.join('\n')}\n`);
    expect((await world.import(path, '--allow-duplicates')).status).toBe(0);
    await expect.poll(() => world.events.length).toBe(12);
    expect(await world.users()).toMatchObject([{ clientId: 'c-1', phone: '11' }]);
  });

  it('loses to what was changed, and does not bring back who was deleted, since the list was made', async () => {
    const world = await createImportWorld({});
    const path = await world.file(
      'clientId,phone,occurredAt\nc-1,old,\nc-2,old,\nc-3,new,2026-02-01T00:00:00Z\n',
    );
    for (const clientId of ['c-1', 'c-2', 'c-3']) {
      await world.run('create-user', { clientId, occurredAt: '2026-01-01T00:00:00Z' });
    }
    const occurredAt = '2026-01-03T00:00:00Z';
    await world.run('update-user', { clientId: 'c-1', changes: { phone: 'changed' }, occurredAt });
    await world.run('delete-user', { clientId: 'c-2', occurredAt });
    const report = join(world.directory, 'report.csv');
    const { status } = await world.import(path, '--as-of', '2026-01-02T00:00:00Z', '--report', report);
    expect(status).toBe(0);
    expect((await world.users()).filter(({ deletedAt }) => deletedAt === null)).toMatchObject([
      { clientId: 'c-1', phone: 'changed' },
      { clientId: 'c-3', phone: 'new' },
    ]);
  });

  it.each([
    [['users.csv', '--format', 'xml'], 'Allowed choices are csv, ndjson'],
    [['package'], 'package cannot be read (ENOENT: no such file or directory)'],
    [['LICENSE'], '--format: csv or ndjson?'],
    [['missing.csv'], 'missing.csv cannot be read (ENOENT: no such file or directory)'],
    [['src.csv', '--map', 'mail=post'], 'The fields are clientId, userId'],
    [['src.csv', '--map', 'mail'], 'must be NAME=FIELD'],
    [['src.csv', '--max-waiting', '0'], 'must be a whole number, 1 or more'],
    [['src.csv', '--delimiter', '::'], 'must be one character'],
    [['src.csv', '--report', '-'], 'must be the name of a file, not -'],
  ])('refuses %j with status 2', async (args, message) => {
    const world = await createImportWorld();
    const { status, stderr } = await world.import(...args);
    expect(status).toBe(2);
    expect(stderr).toContain(message);
  });
});

describe('the copy of the standard input', () => {
  const args = ['import', '-', '--format', 'csv'];

  it.each([
    ['is not there', '/nonexistent', 'ENOENT: no such file or directory'],
    ['is no directory', '/dev/null', 'ENOTDIR: not a directory'],
  ])('needs a place, and where that %s the path and the reason are told', async (_, place, reason) => {
    const world = await createImportWorld();
    vi.stubEnv('TMPDIR', place);
    onTestFinished(() => void vi.unstubAllEnvs());
    const told =
      `${place} is needed for a copy of the input but cannot be written (${reason}): ` +
      'set TMPDIR to a directory with room for it\n';
    const { status, stderr } = await runCommand(args, world.env, csvOf(3));
    expect({ status, stderr }).toEqual({ status: 2, stderr: told });
    const compared = await runCommand(['reconcile', '-', '--format', 'csv'], world.env, csvOf(3));
    expect(compared).toEqual({ status: 2, stdout: '', stderr: told });
  });

  it('that finds no more room is told by its place and why', async () => {
    const world = await createImportWorld();
    // A file may have 8 blocks, and growing further is an error instead of a signal.
    const shell = `trap '' XFSZ; ulimit -f 8; exec "$@"`;
    const child = spawn('sh', ['-c', shell, 'sh', process.execPath, 'src/main.ts', ...args], {
      env: { PATH: process.env['PATH'], TMPDIR: world.directory, ...nothingConfigured(), ...world.env },
      stdio: ['pipe', 'ignore', 'pipe'],
    });
    child.stdin.on('error', () => {});
    child.stdin.end(csvOf(2000));
    expect(await text(child.stderr)).toBe(
      `the copy of the input in ${world.directory} cannot be written (EFBIG: file too large)\n`,
    );
    expect(await readdir(world.directory)).toEqual([]);
  });
});

describe('an instance that nobody has configured', () => {
  it('is a fault of its row', async () => {
    const world = await createImportWorld();
    const path = await world.file('clientId,instance\nc-1,default\nc-2,Default\nc-3,\nc-4,mars\n');
    const { status, stderr } = await world.import(path);
    expect(status).toBe(2);
    expect(stderr.split('\n').slice(0, 2)).toEqual([
      'line 3, instance: no such instance is configured (known: default)',
      'line 5, instance: no such instance is configured (known: default)',
    ]);
    expect(stderr).toContain('omit 2 of 4 rows with --skip-invalid');
    expect(await world.adds()).toBe(0);
  });

  it('is also the default one, where none is called so', async () => {
    const world = await createImportWorld();
    const { DAMOOV_INSTANCE_ID: id, DAMOOV_INSTANCE_KEY: key, ...env } = world.env;
    const file = await world.file(JSON.stringify({ eu: { id, key } }), 'instances.json');
    const path = await world.file('clientId,instance\nc-1,eu\nc-2,\n');
    const { stderr } = await runCommand(['import', path], { ...env, DAMOOV_INSTANCES_FILE: file });
    expect(stderr.split('\n')[0]).toBe(
      'line 3, instance: is needed, because no instance is called default (known: eu)',
    );
  });
});

describe('an import that is complete', () => {
  it('adds nothing when it is run once more, and everything with --again', async () => {
    const world = await createImportWorld();
    const path = await world.file(csvOf(3));
    await world.import(path);
    const { status, stdout } = await world.import(path);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^complete since \S+, with 3 rows added: nothing to add/);
    expect(await world.adds()).toBe(3);
    expect((await world.import(path, '--again')).stdout).toBe('3 rows: 3 added\n');
    expect(new Set(await world.waitingIds()).size).toBe(6);
  });
});

describe('a row that names nobody', () => {
  it.each([
    ['users.csv', 'clientId,userId,firstName\nc-1,,\n,,Ada\n'],
    ['users.ndjson', '{"clientId":"c-1"}\n{"firstName":"Ada"}\n{}\n'],
  ])('is a fault of %s, and left out by --skip-invalid', async (name, content) => {
    const world = await createImportWorld();
    const path = await world.file(content, name);
    const { status, stderr } = await world.import(path);
    const line = name.endsWith('csv') ? 3 : 2;
    expect({ status, stderr }).toEqual({
      status: 2,
      stderr:
        `line ${line}: names no user: clientId or userId is missing\n` +
        'nothing was added: correct them, or omit 1 of 2 rows with --skip-invalid\n',
    });
    expect((await world.import(path, '--skip-invalid')).stdout).toBe('2 rows: 1 added, 1 skipped\n');
    expect(await world.data()).toMatchObject([{ clientId: 'c-1' }]);
  });
});
