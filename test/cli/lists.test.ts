/**
 * What both commands that read a list, `import` and `reconcile`, do with the lists that people have.
 */
import { mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it, onTestFinished } from 'vitest';
import { runCommand } from '../support/run-command.ts';
import { createWorld } from '../support/world.ts';

async function createListWorld() {
  const world = await createWorld({ startsWorker: false });
  const directory = await mkdtemp(join(tmpdir(), 'lists-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  return {
    ...world,
    async file(content: string | Buffer, name: string) {
      const path = join(directory, name);
      await writeFile(path, content);
      // The clock of the file system lags behind by some milliseconds.
      await utimes(path, new Date(), new Date());
      return path;
    },
    run: (...args: string[]) => runCommand(args, world.env),
    async added() {
      const jobs = await world.jobs.getJobs(['waiting', 'prioritized']);
      const data = jobs.map((job) => job.data as Record<string, unknown>);
      return data.sort((a, b) => String(a['clientId']).localeCompare(String(b['clientId'])));
    },
  };
}

/** What a run adds is what it has read. */
const COMMANDS = [['import'], ['reconcile', '--apply', '--yes']];

describe.each(COMMANDS)('`%s`', (command, ...rest) => {
  it('leaves columns out, has names with a comma and an equals sign mapped, and values taken as empty', async () => {
    const world = await createListWorld();
    const path = await world.file(
      '"Name, first",no=,colour,Phone Number,E-Mail\nAda,1,red,N/A,NULL\n',
      'a.csv',
    );
    const map = ['--map', 'Name, first=firstName', '--map', 'no==clientId', '*=', '--empty', 'NULL', 'N/A'];
    const { stderr } = await world.run(command, path, ...map, ...rest);
    expect(await world.added()).toMatchObject([{ clientId: '1', profile: { firstName: 'Ada' } }]);
    expect((await world.added())[0]?.['profile']).toEqual({ firstName: 'Ada' });
    expect(stderr).not.toContain('warning');
  });

  it('names the kind of a file that is not a list, and adds nothing', async () => {
    const world = await createListWorld();
    const path = await world.file(gzipSync('clientId\n1\n'), 'users.csv');
    const { status, stderr, stdout } = await world.run(command, path, ...rest);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain('the file is compressed with gzip');
    expect(await world.added()).toEqual([]);
  });

  it('reads more than the beginning of a large list', async () => {
    const world = await createListWorld();
    const rows = Array.from({ length: 60 }, (_, n) => `${n},${'x'.repeat(4000)}\n`);
    const path = await world.file(`clientId,notes\n${rows.join('')}`, 'users.csv');
    await world.run(command, path, '--map', 'notes=', ...rest);
    expect(await world.added()).toHaveLength(60);
  });

  it('warns of values that are probably not meant, and of names that nothing has', async () => {
    const world = await createListWorld();
    const lines = ['4.48E+11', '4.49E+11', '#NAME?'].map((phone, n) =>
      JSON.stringify({ clientId: `${n}`, phone }),
    );
    const path = await world.file(lines.join('\n'), 'users.ndjson');
    const { status, stderr } = await world.run(command, path, '--map', 'post=email', ...rest);
    expect(status).toBe(0);
    expect(stderr.split('\n').filter((line) => line.startsWith('warning: '))).toEqual([
      'warning: no column is called "post", which --map maps to email',
      expect.stringMatching(/^warning: phone like 4\.48E\+11: 2 \(lines 1, 2\): a spreadsheet/),
      'warning: phone like #NAME?: 1 (line 3): errors of a spreadsheet',
    ]);
    expect(await world.added()).toHaveLength(3);
  });

  it('counts the rows whose only values are in omitted columns', async () => {
    const world = await createListWorld();
    const told = (stderr: string) => stderr.split('\n').filter((line) => line.startsWith('warning: '));
    const csv = await world.file('clientId,notes\n1,\n,Ada Lovelace\n,\n,Alan Turing\n', 'users.csv');
    const { status, stderr } = await world.run(command, csv, '--map', 'notes=', ...rest);
    expect(status).toBe(0);
    expect(told(stderr)).toEqual([
      expect.stringMatching(
        /^warning: rows without a value in any column that is read: 2 \(lines 3, 5\): add/,
      ),
    ]);
    const json = await world.file('{"clientId":"2"}\n{"clientId":null}\n{}\n', 'users.ndjson');
    expect(told((await world.run(command, json, ...rest)).stderr)).toEqual([
      expect.stringMatching(/^warning: rows without a value in any column that is read: 1 \(line 2\): add/),
    ]);
    expect(await world.added()).toMatchObject([{ clientId: '1' }, { clientId: '2' }]);
  });
});

it('the same file read in another way is another import', async () => {
  const world = await createListWorld();
  const path = await world.file('user_id,phone\na,NULL\n', 'users.csv');
  const ways = [
    ['--map', 'user_id=clientId', 'phone='],
    ['--map', 'user_id=clientId'],
    ['--map', 'user_id=clientId', '--empty', 'NULL'],
  ];
  for (const way of ways) expect((await world.run('import', path, ...way)).stdout).toBe('1 row: 1 added\n');
  for (const way of ways) expect((await world.run('import', path, ...way)).stdout).toMatch(/^complete since/);
  expect(await world.added()).toHaveLength(3);
});
