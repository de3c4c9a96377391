import { spawn } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { nothingConfigured } from '../../support/spawn-worker.ts';
import { createImportWorld, csvOf, endsIn } from './import-world.ts';

describe('a disk that is full before a report is whole', () => {
  it('is reported with its path and reason, and the import continues once there is room', async () => {
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
  const outcomes = '; 1 created, 1 failed (--again adds them again)\n';

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

  it('reports failed jobs each time it is requested, and carries nothing out', async () => {
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
