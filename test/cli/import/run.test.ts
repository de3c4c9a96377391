import { execFileSync, spawn } from 'node:child_process';
import {
  link,
  mkdtemp,
  readFile,
  readdir,
  readlink,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { Redis } from 'ioredis';
import { describe, expect, inject, it, onTestFinished, vi } from 'vitest';
import { startRedisNode } from '../../support/redis-node.ts';
import { runCommand, runProcess, spawnCommand, startCommand } from '../../support/run-command.ts';
import { nothingConfigured } from '../../support/spawn-worker.ts';
import { startTcpProxy } from '../../support/tcp-proxy.ts';
import { type WorldOptions, createWorld } from '../../support/world.ts';

async function createDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'import-test-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

async function createImportWorld(options: WorldOptions = { startsWorker: false }) {
  const world = await createWorld(options);
  const directory = await createDirectory();
  const key = (name: string) => `${world.prefix}:user-jobs:${name}`;
  const { redis } = world;
  return {
    ...world,
    directory,
    async file(content: string, name = 'users.csv') {
      const path = join(directory, name);
      await writeFile(path, content);
      return path;
    },
    import: (...args: string[]) => runCommand(['import', ...args], world.env),
    start: (...args: string[]) => startCommand(['import', ...args], world.env),
    spawn: (...args: string[]) => spawnCommand(['import', ...args], world.env),
    waiting: () => redis.zcard(key('prioritized')),
    waitingIds: () => redis.zrange(key('prioritized'), '0', '-1'),
    /** How often an add was asked for, whether or not it came to a job. */
    adds: async () => Number(await redis.get(key('id'))),
    /** Oldest first. */
    async data() {
      const ids = await redis.zrange(key('prioritized'), '0', '-1');
      const texts = await Promise.all(ids.map((id) => redis.hget(key(id), 'data')));
      return texts.map((text) => JSON.parse(text ?? '') as Record<string, unknown>);
    },
  };
}

/** Of a process of this machine. */
async function openFilesOf(pid = 0): Promise<string[]> {
  const directory = `/proc/${pid}/fd`;
  const names = await readdir(directory);
  return Promise.all(names.map((name) => readlink(join(directory, name)).catch(() => '')));
}

/** The lines of a report, without the import and round at their ends. */
function endsIn(report: string): string[] {
  const [, ...lines] = report.trimEnd().split('\n');
  return lines.map((line) => line.replace(/,[0-9a-f]{16}-\d{13}$/, ''));
}

function csvOf(rows: number): string {
  const lines = Array.from({ length: rows }, (_, n) => `c-${n},First ${n},user${n}@example.com`);
  return `${['clientId,firstName,email', ...lines].join('\n')}\n`;
}

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

  it('tells all faults by line and column, no value, and adds nothing', async () => {
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
      'line 3: has 2 columns, where the header has 5',
      'line 4: has 6 columns, where the header has 5',
      expect.stringMatching(/^line 6, phone: Too big/),
      'line 7, clientId: the same as in line 5',
      'nothing was added: mend them, or let --skip-invalid leave out 5 of 6 rows',
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
      'line 3, userId: the same as in line 2',
      'line 5, userId: the same as in line 4',
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

  it('adds nothing of a file whose rows cannot be told apart, --skip-invalid or not', async () => {
    const world = await createImportWorld();
    const path = await world.file('clientId,email\nc-1,e\nc-2,"e\nc-3,e\n');
    const { status, stderr } = await world.import(path, '--skip-invalid');
    expect(status).toBe(2);
    expect(stderr).toContain('line 3: a quote that opens here is never closed');
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
    [['src.csv', '--report', '-'], 'must be a file, which - is not'],
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
      `${place} is needed for a copy of the input, and cannot be written (${reason}): ` +
      'let TMPDIR name a directory with room for it\n';
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
      'line 3, instance: no such instance is configured here (known: default)',
      'line 5, instance: no such instance is configured here (known: default)',
    ]);
    expect(stderr).toContain('let --skip-invalid leave out 2 of 4 rows');
    expect(await world.adds()).toBe(0);
  });

  it('is also the default one, where none is called so', async () => {
    const world = await createImportWorld();
    const { DAMOOV_INSTANCE_ID: id, DAMOOV_INSTANCE_KEY: key, ...env } = world.env;
    const file = await world.file(JSON.stringify({ eu: { id, key } }), 'instances.json');
    const path = await world.file('clientId,instance\nc-1,eu\nc-2,\n');
    const { stderr } = await runCommand(['import', path], { ...env, DAMOOV_INSTANCES_FILE: file });
    expect(stderr.split('\n')[0]).toBe('line 3, instance: is needed, as none is called default (known: eu)');
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
        `line ${line}: names nobody: give it clientId or userId\n` +
        'nothing was added: mend them, or let --skip-invalid leave out 1 of 2 rows\n',
    });
    expect((await world.import(path, '--skip-invalid')).stdout).toBe('2 rows: 1 added, 1 skipped\n');
    expect(await world.data()).toMatchObject([{ clientId: 'c-1' }]);
  });
});

describe('an import that was cut off', () => {
  it(
    'by SIGKILL at any points goes on, and comes to one job for each row',
    { timeout: 600_000 },
    async () => {
      const world = await createImportWorld();
      const rows = 3000;
      const path = await world.file(csvOf(rows));
      for (let kill = 0; kill < 4; kill += 1) {
        const before = await world.waiting();
        // However late the kill comes, there is something left to go on with.
        const { child, exit } = world.spawn(path, '--max-waiting', `${before + 600}`);
        const target = before + 1 + Math.floor(Math.random() * 500);
        await expect.poll(world.waiting, { interval: 10 }).toBeGreaterThanOrEqual(target);
        child.kill('SIGKILL');
        expect(await exit).toBe(null);
      }
      const { status, stdout, stderr } = await world.import(path, '--max-waiting', '1000000');
      expect(status).toBe(0);
      expect(stdout).toMatch(/^3,000 rows: 3,000 added \([\d,]+ by this run\)\n$/);
      expect(stderr).toMatch(/going on after line \d+: [\d,]+ rows were added before\n/);
      expect(await world.waitingIds()).toHaveLength(rows);
      // Each kill has one portion asked for again at the most: an id would not protect a row whose job is no longer kept.
      expect(await world.adds()).toBeLessThanOrEqual(rows + 4 * 200);
    },
  );

  it.each(['SIGINT', 'SIGTERM'] as const)('by %s says how it goes on, and does', async (signal) => {
    const world = await createImportWorld();
    const path = await world.file(csvOf(500));
    const { stderr, signal: stop, exit } = world.start(path, '--max-waiting', '100');
    const told = text(stderr);
    await expect.poll(world.waiting).toBe(100);
    stop(signal);
    expect(await exit).toBe(1);
    expect(await told).toBe(
      'stopped: 100 rows are added, up to line 101; run the same command again for the rest\n',
    );
    const again = world.start(path, '--max-waiting', '250');
    const toldAgain = text(again.stderr);
    await expect.poll(world.waiting).toBe(250);
    again.signal(signal);
    expect(await again.exit).toBe(1);
    expect(await toldAgain).toBe(
      'going on after line 101: 100 rows were added before\n' +
        'stopped: 250 rows are added, 150 of them by this run, up to line 251; run the same command again for the rest\n',
    );
    const end = await world.import(path, '--json');
    expect(JSON.parse(end.stdout)).toMatchObject({ rows: 500, added: 500, addedByThisRun: 250 });
    expect(await world.adds()).toBe(500);
  });

  it('by Ctrl-C while it waits for its input has added nothing', async () => {
    const world = await createImportWorld();
    const { child, exit } = spawnCommand(['import', '-', '--format', 'csv'], world.env, [], null);
    const told = text(child.stderr);
    // More than a pipe holds: once it is written, the command reads.
    await new Promise((done) => void child.stdin.write(csvOf(4000), done));
    child.kill('SIGINT');
    expect(await exit).toBe(1);
    expect(await told).toBe('stopped: nothing was added\n');
    expect(await world.adds()).toBe(0);
  });

  it('by Ctrl-C while nobody writes to its named pipe ends', async () => {
    const world = await createImportWorld();
    const pipe = join(world.directory, 'users.csv');
    execFileSync('mkfifo', [pipe]);
    const { child, exit } = world.spawn(pipe);
    const told = text(child.stderr);
    await expect.poll(() => openFilesOf(child.pid)).toContain(pipe);
    child.kill('SIGINT');
    expect(await exit).toBe(1);
    expect(await told).toBe('stopped: nothing was added\n');
  });

  it('is not, where a named pipe gets its writer later', async () => {
    const world = await createImportWorld();
    const pipe = join(world.directory, 'users.csv');
    execFileSync('mkfifo', [pipe]);
    const [{ stdout }] = await Promise.all([world.import(pipe), writeFile(pipe, csvOf(3))]);
    expect(stdout).toBe('3 rows: 3 added\n');
  });

  it('by another run of the same import leaves it to that one', async () => {
    const world = await createImportWorld();
    const path = await world.file(csvOf(300));
    const first = world.start(path, '--max-waiting', '100');
    const told = text(first.stderr);
    await expect.poll(world.waiting).toBe(100);
    expect((await world.import(path)).stdout).toBe('300 rows: 300 added (200 by this run)\n');
    expect(await first.exit).toBe(1);
    expect(await told).toContain('another run of this import has taken over');
    expect(await world.adds()).toBe(300);
  });
});

describe('a Redis that fails an import', () => {
  it('by losing replies comes to one job for each row', async () => {
    const proxy = await startTcpProxy(inject('redisUrl'));
    onTestFinished(() => proxy.close());
    const world = await createImportWorld();
    const path = await world.file(csvOf(3000));
    const lost = proxy.dropReplies(3, 'First');
    const env = { ...world.env, REDIS_URL: proxy.url };
    const { status, stdout, stderr } = await runCommand(['import', path], env);
    await lost;
    expect({ status, stdout }).toEqual({ status: 0, stdout: '3,000 rows: 3,000 added\n' });
    expect(stderr).toContain('Redis is back');
    // Some were asked for again, and came to no second job.
    expect(await world.waitingIds()).toHaveLength(3000);
    expect(await world.adds()).toBeGreaterThan(3000);
  });

  it('by being killed is waited for', { timeout: 600_000 }, async () => {
    const directory = await createDirectory();
    const server = await startRedisNode({ dir: join(directory, 'redis') });
    onTestFinished(() => server.close());
    const path = join(directory, 'users.csv');
    await writeFile(path, csvOf(8000));
    const redis = new Redis(server.url, { maxRetriesPerRequest: null });
    redis.on('error', () => {});
    onTestFinished(() => redis.disconnect());
    const waiting = () => redis.zcard('{damoov}:user-jobs:prioritized');
    const { exit, ...command } = startCommand(['import', path, '--max-waiting', '1000000'], {
      REDIS_URL: server.url,
    });
    const stdout = text(command.stdout);
    // Listens from here on: a line that comes earlier would be lost.
    const lines = createInterface({ input: command.stderr })[Symbol.asyncIterator]();
    await expect.poll(waiting, { interval: 2 }).toBeGreaterThan(500);
    await server.kill();
    expect((await lines.next()).value).toBe('Redis is away: waiting for it');
    await server.restart();
    expect(await exit).toBe(0);
    expect(await stdout).toBe('8,000 rows: 8,000 added\n');
    expect(await redis.zrange('{damoov}:user-jobs:prioritized', '0', '-1')).toHaveLength(8000);
  });

  it('by staying away is given up, and the import goes on with the next run', async () => {
    const proxy = await startTcpProxy(inject('redisUrl'));
    onTestFinished(() => proxy.close());
    const world = await createImportWorld();
    const path = await world.file(csvOf(500));
    const { exit, stderr } = startCommand(['import', path, '--max-waiting', '100', '--redis-away', '100ms'], {
      ...world.env,
      REDIS_URL: proxy.url,
    });
    const told = text(stderr);
    await expect.poll(world.waiting).toBe(100);
    await proxy.sever();
    expect(await exit).toBe(1);
    expect(await told).toMatch(
      /Redis is away \(\S+\): .*100 rows are added, up to line 101; run the same command again/,
    );
    expect((await world.import(path)).stdout).toBe('500 rows: 500 added (400 by this run)\n');
    expect(await world.adds()).toBe(500);
  });
});

describe('back-pressure', () => {
  it('never lets more jobs wait than --max-waiting, and adds on as they are done', async () => {
    const world = await createImportWorld({});
    const rows = 120;
    const path = await world.file(csvOf(rows));
    const { exit } = world.start(path, '--max-waiting', '40');
    const isOver = exit.then(() => true);
    let most = 0;
    while (!(await Promise.race([isOver, Promise.resolve(false)]))) {
      const counts = await world.redis
        .multi()
        .llen(`${world.prefix}:user-jobs:wait`)
        .llen(`${world.prefix}:user-jobs:active`)
        .zcard(`${world.prefix}:user-jobs:delayed`)
        .exec();
      most = Math.max(
        most,
        (counts ?? []).reduce((sum, [, count]) => sum + Number(count), 0),
      );
    }
    expect(await exit).toBe(0);
    expect(most).toBeGreaterThan(0);
    expect(most).toBeLessThanOrEqual(40);
    await expect.poll(() => world.events.length).toBe(rows);
    expect(await world.requests('create')).toHaveLength(rows);
  });
});

describe('a report', () => {
  const linesOf = async (path: string) => (await readFile(path, 'utf8')).trimEnd().split('\n');

  it('tells of each row how its job ended, and fails where one failed', async () => {
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
        /^--report: \S+ is there (and is no report: name another file|already, of another import or of .*: name a new one)\n$/,
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
        stderr: `--report: ${report} is there already, of another import or of another round: name a new one\n`,
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
      expect(await text(child.stderr)).toContain(`--report: ${file} is there already`);
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
        stderr: `--report: ${theirs} is there already, of another import or of another round: name a new one\n`,
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
        stderr: `--report: ${first} is there already, of another import or of another round: name a new one\n`,
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
    expect({ status, stderr }).toEqual({ status: 2, stderr: '--report: /dev/null is no file\n' });
    expect(await world.redis.keys(`${world.prefix}:import:*`)).toEqual([]);
  });
});

describe('a disk that is full before a report is whole', () => {
  it('is told by the path and why, and the import goes on once there is room', async () => {
    const world = await createImportWorld({});
    const rows = 200;
    const path = await world.file(csvOf(rows));
    const report = join(world.directory, 'r');
    // A file may have 8 blocks, and growing further is an error instead of a signal.
    const shell = `trap '' XFSZ; ulimit -f 8; exec "$@"`;
    const args = ['import', path, '--report', report];
    const child = spawn('sh', ['-c', shell, 'sh', process.execPath, 'src/main.ts', ...args], {
      env: { PATH: process.env['PATH'], ...nothingConfigured(), ...world.env },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    expect(await text(child.stderr)).toBe(
      `--report: ${report} cannot be written (EFBIG: file too large): ` +
        '200 rows are added, up to line 201; run the same command again for the rest\n',
    );
    const { status, stdout } = await world.import(path, '--report', report);
    expect({ status, stdout }).toEqual({
      status: 0,
      stdout: '200 rows: 200 added (0 by this run); 200 created\n',
    });
    const lines = (await readFile(report, 'utf8')).trimEnd().split('\n').slice(1);
    expect(new Set(lines.map((line) => line.split(',')[0])).size).toBe(rows);
    expect(lines).toHaveLength(rows);
    expect(await world.requests('create')).toHaveLength(rows);
  });
});

describe('a report of an import that was complete already', () => {
  const linesOf = async (path: string) => endsIn(await readFile(path, 'utf8')).sort();
  const rows = 'clientId,userId\nc-1,\nc-2,9e8f8b1c-6d0b-4b7e-9c3a-0a1b2c3d4e5f\nc-3,no-uuid\n';

  async function createComplete() {
    const world = await createImportWorld({});
    await world.run('create-user', { clientId: 'c-2' });
    const path = await world.file(rows);
    const report = join(world.directory, 'outcomes.csv');
    return {
      ...world,
      path,
      report,
      run: (...args: string[]) => world.import(path, '--skip-invalid', ...args),
    };
  }
  const outcomes = '; 1 created, 1 failed (--again adds them once more)\n';

  it('has how its jobs ended, though the import was begun without one', async () => {
    const { run, report, ...world } = await createComplete();
    await run();
    await expect.poll(() => world.events.length).toBe(3);
    const { status, stdout } = await run('--report', report);
    expect(stdout).toMatch(/^complete since \S+, with 2 rows added: nothing to add; 1 created, 1 failed /);
    expect(status).toBe(1);
    const userId = (await world.users()).find(({ clientId }) => clientId === 'c-1')?.deviceToken;
    expect(await linesOf(report)).toEqual([
      `2,c-1,${userId},created,`,
      '3,c-2,,failed,unexpected-user-id',
      '4,,,invalid,invalid-job',
    ]);
    const told = JSON.parse((await run('--report', report, '--json')).stdout) as object;
    expect(told).toMatchObject({
      added: 2,
      addedByThisRun: 0,
      outcomes: { created: 1, failed: 1, invalid: 1 },
    });
  });

  it('waits for jobs that have not ended', async () => {
    const { run, report, jobs, path, start, ...world } = await createComplete();
    await jobs.pause();
    await run();
    const { exit, stdout } = start(path, '--skip-invalid', '--report', report);
    const told = text(stdout);
    await expect.poll(() => linesOf(report).catch(() => [])).toHaveLength(1);
    await jobs.resume();
    expect(await exit).toBe(1);
    expect(await told).toContain(outcomes);
    expect(world.events).toHaveLength(3);
  });

  it('is known again by what is in it: quotes, rows that were left out, what a crash cut off', async () => {
    const world = await createImportWorld({});
    const content = [
      { clientId: 'a"b,c\nd', email: 1 },
      { clientId: '=1' },
      { clientId: 'a\u2028b' },
      { clientId: '\ud800', phone: '1' },
      { clientId: 7 },
      { clientId: '"'.repeat(5000) },
      { userId: 'no-uuid' },
    ];
    const path = await world.file(content.map((row) => `${JSON.stringify(row)}\n`).join(''), 'users.ndjson');
    const report = join(world.directory, 'r');
    const args = [path, '--skip-invalid', '--report', report];
    expect(await world.import(...args)).toMatchObject({
      status: 0,
      stdout: '7 rows: 2 added, 5 skipped; 2 created\n',
    });
    const written = await readFile(report, 'utf8');
    await writeFile(report, written.slice(0, -3));
    expect((await world.import(...args)).status).toBe(0);
    const sorted = (lines: string) => lines.split('\n').sort();
    expect(sorted(await readFile(report, 'utf8'))).toEqual(sorted(written));
  });

  it('tells of failed jobs each time that it is asked for, and carries nothing out for it', async () => {
    const { run, report, jobs, adds, events } = await createComplete();
    expect((await run('--report', report)).status).toBe(1);
    const before = await linesOf(report);
    const { status, stdout } = await run('--report', report);
    expect(status).toBe(1);
    expect(stdout).toContain(outcomes);
    expect(await linesOf(report)).toEqual(before);
    // What Redis keeps no longer is not known: no job is added to learn it.
    await jobs.clean(0, 100, 'completed');
    const later = `${report}.later`;
    expect(await run('--report', later)).toMatchObject({
      status: 1,
      stdout: expect.stringContaining('; 1 failed, 1 unknown (--again adds') as string,
    });
    expect((await linesOf(later))[0]).toBe('2,c-1,,unknown,');
    expect(await adds()).toBe(3);
    expect(events).toHaveLength(3);
  });
});

/** No room for the rows, and young garbage in small portions: or V8 marks all the time, so near its limit. */
const SMALL = ['--max-old-space-size=48', '--max-semi-space-size=2'];

describe('a hundred thousand rows', { tags: ['slow'] }, () => {
  it('are imported in a heap of 48 MB', async () => {
    const world = await createImportWorld();
    const path = await world.file(csvOf(100_000));
    const { status, stdout } = await runProcess(
      ['import', path, '--max-waiting', '1000000'],
      world.env,
      SMALL,
    );
    expect({ status, stdout }).toEqual({ status: 0, stdout: '100,000 rows: 100,000 added\n' });
    expect(await world.waiting()).toBe(100_000);
  });
});

describe('a row of twenty million commas', { tags: ['slow'] }, () => {
  it.each([
    ['users.csv', 'clientId,email\n', 'line 2: longer than 4194304 bytes'],
    ['users.ndjson', '{"clientId":"c-1","email":[', 'line 1: longer than 4194304 bytes'],
  ])('of %s is a fault of its line in a heap of 48 MB', async (name, before, fault) => {
    const world = await createImportWorld();
    const path = await world.file(`${before}${','.repeat(20_000_000)}c\n`, name);
    const { status, stderr } = await runProcess(['import', path], world.env, SMALL);
    expect(status).toBe(2);
    expect(stderr).toContain(fault);
  });
});
