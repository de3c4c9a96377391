import { spawn } from 'node:child_process';
import { link, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { basename, dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { runCommand } from '../../support/run-command.ts';
import { nothingConfigured } from '../../support/spawn-worker.ts';
import { createImportWorld, csvOf, endsIn } from './import-world.ts';

describe('a report', () => {
  const linesOf = async (path: string) => (await readFile(path, 'utf8')).trimEnd().split('\n');

  it('contains the outcome of each row, and fails if one failed', async () => {
    const world = await createImportWorld({});
    const taken = '0e8f8b1c-6d0b-4b7e-9c3a-0a1b2c3d4e5f';
    await world.run('create-user', { clientId: 'c-2' });
    await world.run('create-user', { clientId: 'c-4' });
    await world.run('delete-user', { clientId: 'c-3' }, { timestamp: Date.now() + 60_000 });
    const path = await world.file(
      [
        'clientId,userId,instance,phone',
        'c-1,,,1',
        'c-2,,,',
        '"c,3""",,,',
        'c-3,,,',
        'c-4,9e8f8b1c-6d0b-4b7e-9c3a-0a1b2c3d4e5f,,',
        'c-5,,mars,',
        'c-6,no-uuid,,',
        `,${taken},,`,
      ].join('\n'),
    );
    const report = join(world.directory, 'report.csv');
    const { status, stdout } = await world.import(path, '--skip-invalid', '--report', report);
    expect({ status, stdout }).toEqual({
      status: 1,
      stdout: '8 rows: 6 added, 2 skipped; 3 created, 1 existed, 1 superseded, 1 failed\n',
    });
    const users = new Map((await world.users()).map(({ clientId, deviceToken }) => [clientId, deviceToken]));
    const written = await readFile(report, 'utf8');
    expect(written.split('\n')[0]).toBe('line,clientId,userId,outcome,code,import');
    expect(endsIn(written).sort()).toEqual([
      `2,c-1,${users.get('c-1')},created,`,
      `3,c-2,${users.get('c-2')},existed,`,
      `4,"c,3""",${users.get('c,3"')},created,`,
      expect.stringMatching(/^5,c-3,\S*,superseded,deletion$/),
      '6,c-4,,failed,unexpected-user-id',
      '7,,,invalid,invalid-job',
      '8,,,invalid,invalid-job',
      `9,,${taken},created,`,
    ]);
    expect((await stat(report)).mode & 0o777).toBe(0o600);
  });

  it(
    'has a line for each row exactly once, wherever its import was killed, and whatever Redis keeps',
    { timeout: 600_000 },
    async () => {
      const world = await createImportWorld({});
      const rows = 300;
      const path = await world.file(csvOf(rows));
      const report = join(world.directory, 'report.csv');
      const args = [path, '--report', report, '--max-waiting', '50'];
      const told = async () => (await linesOf(report).catch(() => [''])).length - 1;
      for (const share of [0.1, 0.3, 0.7]) {
        const { child, exit } = world.spawn(...args);
        await expect.poll(told, { interval: 20 }).toBeGreaterThan(rows * share);
        child.kill('SIGKILL');
        await exit;
        // Its last line may be cut off; and of jobs that are done Redis keeps only the last ones.
        await writeFile(report, (await readFile(report, 'utf8')).slice(0, -3));
        await expect.poll(() => world.jobs.getPrioritizedCount()).toBe(0);
        await world.jobs.clean(0, 10_000, 'completed');
      }
      const { status, stdout } = await world.import(...args);
      expect(status).toBe(0);
      expect(stdout).toMatch(/^300 rows: 300 added \(\d+ by this run\); [\d,]+ created/);
      const [, ...lines] = await linesOf(report);
      expect(lines.map((line) => Number(line.split(',')[0])).sort((a, b) => a - b)).toEqual(
        Array.from({ length: rows }, (_, n) => n + 2),
      );
      const users = new Map(
        (await world.users()).map(({ clientId, deviceToken }) => [clientId, deviceToken]),
      );
      expect(users.size).toBe(rows);
      for (const line of lines) {
        const [, clientId = '', userId] = line.split(',');
        expect(userId).toBe(users.get(clientId));
      }
      expect((await world.import(...args)).stdout).toMatch(/^complete since/);
    },
  );

  it('is of one round, also where Redis loses an import that goes on', async () => {
    const world = await createImportWorld();
    const [header, ...rows] = csvOf(150).split('\n');
    const path = await world.file([header, ' ,of a blank clientId,', ...rows].join('\n'));
    const report = join(world.directory, 'r');
    const args = [path, '--report', report, '--max-waiting', '100', '--skip-invalid'];
    const first = world.start(...args);
    await expect.poll(world.waiting).toBe(100);
    first.signal('SIGTERM');
    await first.exit;
    const second = world.start(...args);
    for await (const line of createInterface({ input: second.stderr })) {
      if (line.startsWith('going on after line 102')) break;
    }
    expect(await linesOf(report)).toHaveLength(2);
    await world.redis.del(...(await world.redis.keys(`${world.prefix}:import:*`)));
    await world.startWorker();
    expect(await second.exit).toBe(0);
    const written = await linesOf(report);
    expect(new Set(written.slice(1).map((line) => line.split(',').at(-1))).size).toBe(1);
    expect(written).toHaveLength(152);
    expect((await world.import(...args)).stdout).toMatch(/^complete since .*; 150 created/);
  });

  it('may be asked for in the middle, and has all rows then', async () => {
    const world = await createImportWorld();
    const path = await world.file(csvOf(150));
    const begun = world.start(path, '--max-waiting', '100');
    await expect.poll(world.waiting).toBe(100);
    begun.signal('SIGTERM');
    await begun.exit;
    await world.startWorker();
    const report = join(world.directory, 'late');
    expect((await world.import(path, '--report', report)).stdout).toMatch(/; 150 created$/m);
    expect(await linesOf(report)).toHaveLength(151);
  });

  describe('that is refused', () => {
    const others = [
      ['another table', 'something,else\n1,2\n'],
      ['text', 'l'],
      [
        'a report of another import',
        'line,clientId,userId,outcome,code,import\n2,c-0,,failed,rejected,x-1\n',
      ],
      [
        'a report that names no import',
        'line,clientId,userId,outcome,code,import\n2,c-0,,failed,rejected,\n',
      ],
      ['a report with notes in it', 'line,clientId,userId,outcome,code,import\nask Ada about these\n'],
      ['a report of a comparison', '{"kind":"missing","line":3,"clientId":"b"}\n'],
    ];

    it.each(others)('is left as it was, and nothing is begun: %s', async (_, content) => {
      const world = await createImportWorld();
      const path = await world.file(csvOf(3));
      const report = await world.file(content, 'precious');
      const { status, stderr } = await world.import(path, '--report', report);
      expect(status).toBe(2);
      expect(stderr).toMatch(
        /^--report: \S+ (exists and is not a report: name another file|already exists for another import or round: name a new one)\n$/,
      );
      expect(await readFile(report, 'utf8')).toBe(content);
      expect(await world.redis.keys(`${world.prefix}:import:*`)).toEqual([]);
      expect((await world.import(path)).stdout).toBe('3 rows: 3 added\n');
    });

    it('leaves an import complete, and in its round', async () => {
      const world = await createImportWorld();
      const path = await world.file(csvOf(3));
      await world.import(path);
      const keys = await world.redis.keys(`${world.prefix}:import:*`);
      const key = keys.find((name) => !name.endsWith(':added')) ?? '';
      const before = await world.redis.hgetall(key);
      const report = await world.file('my notes\n', 'precious');
      expect((await world.import(path, '--again', '--report', report)).status).toBe(2);
      expect((await world.import(path, '--again', '--report', '/nowhere/r')).status).toBe(2);
      expect(await world.redis.hgetall(key)).toEqual(before);
      expect(await world.adds()).toBe(3);
    });

    it('leaves a run that is under way its import', async () => {
      const world = await createImportWorld({});
      const path = await world.file(csvOf(3));
      await world.jobs.pause();
      const first = world.start(path, '--report', join(world.directory, 'r'));
      await expect.poll(world.adds).toBe(3);
      const report = await world.file('my notes\n', 'precious');
      expect((await world.import(path, '--report', report)).status).toBe(2);
      await world.jobs.resume();
      expect(await first.exit).toBe(0);
    });

    it.each([
      ['its own path', async (file: string) => file],
      ['another spelling of it', async (file: string) => `${dirname(file)}/./${basename(file)}`],
      ['a symbolic link', async (file: string) => symlink(file, `${file}.link`).then(() => `${file}.link`)],
      ['a hard link', async (file: string) => link(file, `${file}.link`).then(() => `${file}.link`)],
    ])('is the list, by %s, also where that looks like a report', async (_, spelt) => {
      const world = await createImportWorld();
      const content = 'line,clientId,userId,outcome,code,import\n2,c-1,,failed,rejected,x-1\n';
      const file = await world.file(content);
      const args = [file, '--map', 'line=', 'outcome=', 'code=', 'import='];
      const report = await spelt(file);
      const { status, stderr } = await world.import(...args, '--report', report);
      expect({ status, stderr }).toEqual({
        status: 2,
        stderr: `--report: ${report} already exists for another import or round: name a new one\n`,
      });
      expect(await readFile(file, 'utf8')).toBe(content);
      expect((await world.import(...args)).stdout).toBe('1 row: 1 added\n');
    });

    it('is the list that is redirected to the standard input', async () => {
      const world = await createImportWorld();
      const content = 'line,clientId,userId,outcome,code,import\n2,c-1,,failed,rejected,x-1\n';
      const file = await world.file(content);
      const map = ['--map', 'line=', 'outcome=', 'code=', 'import='];
      const args = ['-', '--format', 'csv', ...map, '--report', file];
      const shell = `exec "$@" < '${file}'`;
      const child = spawn('sh', ['-c', shell, 'sh', process.execPath, 'src/main.ts', 'import', ...args], {
        env: { PATH: process.env['PATH'], ...nothingConfigured(), ...world.env },
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      expect(await text(child.stderr)).toContain(`--report: ${file} already exists`);
      expect(await readFile(file, 'utf8')).toBe(content);
    });

    it.each([
      ['of other users', 'clientId,phone\nc-9,1\n'],
      ['of the same users with other values', 'clientId,phone\nc-1,1\n'],
      ['of more users', 'clientId,phone\nc-1,1\n"c,2",1\n'],
      ['of a longer list', 'clientId,phone\n"c,2",1\nc-1,1\n'],
    ])('is that of another import, %s, also where this one goes on', async (_, other) => {
      const world = await createImportWorld({});
      const path = await world.file('clientId,phone\nc-1,2\n');
      const theirs = join(world.directory, 'theirs');
      await world.import(await world.file(other, 'other.csv'), '--report', theirs);
      const before = await readFile(theirs, 'utf8');
      await world.import(path);
      const { status, stderr } = await world.import(path, '--report', theirs);
      expect({ status, stderr }).toEqual({
        status: 2,
        stderr: `--report: ${theirs} already exists for another import or round: name a new one\n`,
      });
      expect(await readFile(theirs, 'utf8')).toBe(before);
    });

    it('is that of an earlier round', async () => {
      const world = await createImportWorld({});
      const path = await world.file(csvOf(2));
      const [first, second] = [join(world.directory, 'first'), join(world.directory, 'second')];
      await world.import(path, '--report', first);
      const before = await readFile(first, 'utf8');
      expect(await world.import(path, '--again', '--report', first)).toMatchObject({
        status: 2,
        stderr: `--report: ${first} already exists for another import or round: name a new one\n`,
      });
      expect(await readFile(first, 'utf8')).toBe(before);
      const { stdout } = await world.import(path, '--again', '--report', second);
      expect(stdout).toBe('2 rows: 2 added; 2 existed\n');
      // Nor is it that of the round that is complete now.
      expect((await world.import(path, '--report', first)).status).toBe(2);
      expect((await world.import(path, '--report', second)).stdout).toContain('nothing to add; 2 existed');
      expect(await readFile(first, 'utf8')).toBe(before);
    });

    it('is that of a round that Redis has forgotten', async () => {
      const world = await createImportWorld({});
      const path = await world.file(csvOf(2));
      const report = join(world.directory, 'r');
      await world.import(path, '--report', report);
      const keys = await world.redis.keys(`${world.prefix}:import:*`);
      await world.redis.del(...keys);
      await world.jobs.clean(0, 100, 'completed');
      await world.import(path);
      expect((await world.import(path, '--report', report)).status).toBe(2);
    });

    it('takes the file away again that it made', async () => {
      const world = await createImportWorld();
      const path = await world.file('clientId\nc-1\n');
      const report = join(world.directory, 'r');
      const { stderr } = await runCommand(['import', path, '--report', report], {
        ...world.env,
        REDIS_URL: 'redis://127.0.0.1:1',
      });
      expect(stderr).toContain('Redis is away');
      await expect(stat(report)).rejects.toThrow('ENOENT');
    });
  });

  it('is refused where it is no file, and nothing is begun', async () => {
    const world = await createImportWorld();
    const path = await world.file(csvOf(3));
    const { status, stderr } = await world.import(path, '--report', '/dev/null');
    expect({ status, stderr }).toEqual({ status: 2, stderr: '--report: /dev/null is not a file\n' });
    expect(await world.redis.keys(`${world.prefix}:import:*`)).toEqual([]);
  });
});
