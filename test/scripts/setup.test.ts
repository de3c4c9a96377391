import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, copyFile, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

let repository: string;

beforeEach(async () => {
  repository = await mkdtemp(join(tmpdir(), 'setup-'));
  await mkdir(join(repository, 'scripts'));
  await mkdir(join(repository, 'bin'));
  await copyFile('scripts/setup.mjs', join(repository, 'scripts', 'setup.mjs'));
  await lock({ 'node_modules/hono': { version: '4.0.0' } });
  await npmDoes('mkdir -p node_modules && cp package-lock.json node_modules/.package-lock.json');
});

afterEach(async () => {
  await rm(repository, { recursive: true });
});

test('what is missing is installed, once, and said in one line', async () => {
  expect(await setup()).toEqual({ status: 0, output: 'Installing the dependencies (npm ci) …\n' });
  expect(await setup()).toEqual({ status: 0, output: '' });
  expect(await installs()).toBe(1);
});

test('another version in the lock is installed, a later file time alone is not', async () => {
  await setup();
  await lock({ 'node_modules/hono': { version: '4.0.0' } });
  await setup();
  expect(await installs()).toBe(1);

  await lock({ 'node_modules/hono': { version: '4.0.1' } });
  await setup();
  expect(await installs()).toBe(2);
});

test('a package that the lock no longer names is removed', async () => {
  await setup();
  await lock({});
  await setup();
  expect(await installs()).toBe(2);
});

test('an optional package that npm left out, for another platform, is not missed', async () => {
  await npmDoes(`mkdir -p node_modules && printf '{"packages":{}}' > node_modules/.package-lock.json`);
  await lock({ 'node_modules/fsevents': { version: '2.3.3', optional: true } });
  await setup();
  await setup();
  expect(await installs()).toBe(1);
});

test("npm's failure is told in npm's words and by its exit status", async () => {
  await npmDoes('echo "npm error 404" >&2; exit 42');
  expect(await setup()).toEqual({
    status: 42,
    output: 'Installing the dependencies (npm ci) …\nnpm error 404\n',
  });
});

test('a package in a folder of its own is installed there, and nothing else is', async () => {
  await mkdir(join(repository, 'bench'));
  await copyFile(join(repository, 'package-lock.json'), join(repository, 'bench', 'package-lock.json'));
  expect((await setup([], 'bench')).status).toBe(0);
  expect(await readdir(join(repository, 'bench', 'node_modules'))).toEqual(['.package-lock.json']);
  expect(await readdir(repository)).not.toContain('node_modules');
});

test('two scripts that start at once install once, and both go on with what was installed', async () => {
  const runs = await Promise.all([setup(), setup(), setup()]);
  expect(runs.map(({ status }) => status)).toEqual([0, 0, 0]);
  expect(await installs()).toBe(1);
});

test('a script that was killed while it installed holds up nobody', async () => {
  const killed = spawn(process.execPath, ['--eval', '']);
  await once(killed, 'exit');
  await mkdir(join(repository, '.data'));
  await writeFile(join(repository, '.data', 'setup.lock'), String(killed.pid));
  expect((await setup()).status).toBe(0);
  expect(await installs()).toBe(1);
});

test('a Node too old to run anything here is told so before npm is called', async () => {
  const pretend = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '18.20.0' } });`;
  expect(await setup(['--import', `data:text/javascript,${encodeURIComponent(pretend)}`])).toEqual({
    status: 1,
    output: 'Node 18.20.0 is too old: install Node 22.22 or newer, then run this again.\n',
  });
});

async function lock(packages: Record<string, object>): Promise<void> {
  await writeFile(
    join(repository, 'package-lock.json'),
    JSON.stringify({ packages: { '': {}, ...packages } }),
  );
}

async function npmDoes(commands: string): Promise<void> {
  const npm = join(repository, 'bin', 'npm');
  await writeFile(npm, `#!/bin/sh\necho "$@" >> calls\n${commands}\n`);
  await chmod(npm, 0o755);
}

async function installs(): Promise<number> {
  const calls = await readFile(join(repository, 'calls'), 'utf8');
  return calls.split('\n').filter((call) => call.startsWith('ci')).length;
}

async function setup(
  nodeOptions: string[] = [],
  ...folder: string[]
): Promise<{ status: unknown; output: string }> {
  const child = spawn(
    process.execPath,
    [...nodeOptions, join(repository, 'scripts', 'setup.mjs'), ...folder],
    {
      env: { ...process.env, PATH: `${join(repository, 'bin')}${delimiter}${process.env['PATH'] ?? ''}` },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const [status] = await once(child, 'close');
  return { status, output };
}
