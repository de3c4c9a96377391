import { execFileSync } from 'node:child_process';
import { readdir, readlink, writeFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { Redis } from 'ioredis';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { startRedisNode } from '../../support/redis-node.ts';
import { runCommand, spawnCommand, startCommand } from '../../support/run-command.ts';
import { startTcpProxy } from '../../support/tcp-proxy.ts';
import { createDirectory, createImportWorld, csvOf } from './import-world.ts';

/** Of a process of this machine. */
async function openFilesOf(pid = 0): Promise<string[]> {
  const directory = `/proc/${pid}/fd`;
  const names = await readdir(directory);
  return Promise.all(names.map((name) => readlink(join(directory, name)).catch(() => '')));
}

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
      // Each kill repeats at most one batch: an id would not protect a row whose job is no longer stored.
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
    // An import notes its place after it has added the jobs.
    await expect.poll(world.place).toMatch(/^101 /);
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
    // Some were added again, without a second job.
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
    // An import notes its place after it has added the jobs.
    await expect.poll(world.place).toMatch(/^101 /);
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
