/** @module-tag slow */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { publint } from 'publint';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { createWorld } from './support/world.ts';

const run = promisify(execFile);
const repository = path.resolve('.');
const NAME = 'damoov-user-lifecycle';

let project: string;
let packed: { size: number; files: { path: string }[] };

// The published package in a user's project, beside the dependencies of the repository.
beforeAll(async () => {
  project = await mkdtemp(path.join(tmpdir(), 'package-'));
  const { stdout } = await run('npm', ['pack', '--json', '--silent', '--pack-destination', project]);
  const told: unknown = JSON.parse(stdout);
  const list = Array.isArray(told) ? told : Object.values(told as object);
  packed = list[0] as typeof packed;
  const [tarball = ''] = (await readdir(project)).filter((file) => file.endsWith('.tgz'));
  const modules = path.join(project, 'node_modules');
  await mkdir(path.join(modules, NAME), { recursive: true });
  await run('tar', [
    '-xzf',
    path.join(project, tarball),
    '-C',
    path.join(modules, NAME),
    '--strip-components',
    '1',
  ]);
  for (const entry of await readdir(path.join(repository, 'node_modules'))) {
    if (!entry.startsWith('.')) {
      await symlink(path.join(repository, 'node_modules', entry), path.join(modules, entry));
    }
  }
  await writeFile(path.join(project, 'package.json'), JSON.stringify({ type: 'module', private: true }));
});
afterAll(() => rm(project, { recursive: true, force: true }));

/** Every module that an import of the package loads, by its path below node_modules. */
async function modulesLoadedBy(entry: string): Promise<string[]> {
  const script = `
    import { registerHooks } from 'node:module';
    const urls = [];
    registerHooks({ load: (url, context, next) => (urls.push(url), next(url, context)) });
    await import(${JSON.stringify(entry)});
    console.log(JSON.stringify(urls));
    process.exit();
  `;
  await writeFile(path.join(project, 'loaded.mjs'), script);
  const { stdout } = await run(process.execPath, ['--preserve-symlinks', 'loaded.mjs'], { cwd: project });
  return (JSON.parse(stdout) as string[]).flatMap((url) => url.split('/node_modules/').slice(-1));
}

const packagesIn = (modules: string[]) =>
  new Set(
    modules.map((file) =>
      file
        .split('/')
        .slice(0, file.startsWith('@') ? 2 : 1)
        .join('/'),
    ),
  );

describe('the package', () => {
  it('is what package managers and bundlers expect', async () => {
    const { messages } = await publint({ pkgDir: path.join(project, 'node_modules', NAME), pack: false });
    expect(messages).toEqual([]);
  });

  it('is small, and holds no source, no test and no secret', () => {
    expect(packed.size).toBeLessThan(340_000);
    const outside = packed.files.filter(({ path: file }) => !/^dist\/.+\.(js|d\.ts|lua|css|svg)$/.test(file));
    expect(outside.map(({ path: file }) => file)).toEqual(
      expect.arrayContaining(['LICENSE', 'README.md', 'package.json']),
    );
    expect(outside).toHaveLength(3);
  });

  it('loads neither worker nor client, sandbox, commands or what operators look at, where a producer imports it', async () => {
    const modules = await modulesLoadedBy(NAME);
    const own = modules.filter((file) => file.startsWith(`${NAME}/dist/`));
    const rooms = new Set(own.map((file) => file.split('/')[2]));
    const allowed = new Set(['index.js', 'bullmq', 'client', 'contract', 'damoov', 'redis', 'store']);
    expect([...rooms].filter((room) => !allowed.has(room ?? ''))).toEqual([]);
    const packages = packagesIn(modules);
    expect([...packages]).toEqual(expect.arrayContaining([NAME, 'bullmq', 'ioredis', 'zod']));
    for (const not of ['undici', 'pino', 'hono', 'commander', '@opentelemetry']) {
      expect([...packages].filter((name) => name.startsWith(not))).toEqual([]);
    }
  });

  it('loads no queue and no Redis, where somebody imports the client alone', async () => {
    const packages = packagesIn(await modulesLoadedBy(`${NAME}/damoov`));
    expect([...packages]).toEqual(expect.arrayContaining([NAME, 'undici']));
    for (const not of ['bullmq', 'ioredis', 'pino']) expect(packages).not.toContain(not);
  });
});

/** TypeScript's settings of modules, and whether a CommonJS file may use the package under them. */
const MODULE_SETTINGS: [string, string[], boolean][] = [
  ['commonjs', ['--module', 'commonjs'], true],
  ['node16', ['--module', 'node16'], false],
  ['nodenext', ['--module', 'nodenext'], true],
  ['bundler', ['--module', 'preserve', '--moduleResolution', 'bundler'], true],
];

describe('the package in CommonJS', () => {
  const program = `
    import { UserEvents, UserJobs } from '${NAME}';
    import { DamoovClient } from '${NAME}/damoov';
    console.log([UserEvents, UserJobs, DamoovClient].map((one) => typeof one).join());
  `;

  it('is required as it is', async () => {
    const file = path.join(project, 'required.cjs');
    const all = `{ ...require('${NAME}'), ...require('${NAME}/damoov') }`;
    await writeFile(
      file,
      `const { UserJobs, DamoovClient } = ${all}; console.log(typeof UserJobs, typeof DamoovClient);`,
    );
    expect(await run(process.execPath, [file], { cwd: project })).toEqual({
      stdout: 'function function\n',
      stderr: '',
    });
  });

  it.each(MODULE_SETTINGS)(
    'is used under the setting %s, or says what to do',
    async (name, options, isTaken) => {
      // An ES module is taken everywhere, and so is what the documentation says instead of `require`.
      const dynamic = `void import('${NAME}').then(({ UserJobs }) => console.log(typeof UserJobs));`;
      const files = { 'module.mts': program, 'dynamic.cts': dynamic, 'common.cts': program };
      for (const [file, code] of Object.entries(files)) await writeFile(path.join(project, file), code);
      const usual = ['--ignoreConfig', '--strict', '--target', 'es2022', '--types', 'node', '--skipLibCheck'];
      const args = [...usual, ...options, '--outDir', `out-${name}`, ...Object.keys(files)];
      const tsc = path.join(repository, 'node_modules', '.bin', 'tsc');
      const told = await run(tsc, args, { cwd: project }).then(
        () => '',
        ({ stdout }: { stdout: string }) => stdout,
      );
      const faults = told.split('\n').filter((line) => /^\S/.test(line));
      if (!isTaken) {
        expect(faults.map((line) => /^(.*)\(.*(TS\d+)/.exec(line)?.slice(1))).toEqual([
          ['common.cts', 'TS1479'],
          ['common.cts', 'TS1479'],
        ]);
        return;
      }
      expect(faults).toEqual([]);
      // What a bundler is given stays an import.
      if (name === 'bundler') return;
      const { stdout } = await run(process.execPath, [`out-${name}/common.cjs`], { cwd: project });
      expect(stdout).toBe('function,function,function\n');
    },
  );
});

describe('the documented programs', () => {
  /** All of them, by name. */
  async function programs(): Promise<Map<string, string>> {
    const pages = ['docs/start/first-job.md', 'docs/guides/deletions.md'].map((file) =>
      readFile(file, 'utf8'),
    );
    const content = (await Promise.all(pages)).join('\n');
    const pasted = [...content.matchAll(/```ts\n\/\/ (\S+\.ts)\n(.*?)```/gs)].map(
      ([, name = '', code = '']): [string, string] => [name, code],
    );
    const examples = ['back-fill.ts', 'crm.ts', 'find.ts', 'test-double.ts'].map(
      async (name): Promise<[string, string]> => [name, await readFile(`examples/${name}`, 'utf8')],
    );
    return new Map([...pasted, ...(await Promise.all(examples))]);
  }

  /** Runs one in the project, in the world's queues. */
  async function runProgram(name: string, env: Record<string, string>): Promise<string> {
    const { stdout } = await run(process.execPath, [name], { cwd: project, env: { ...process.env, ...env } });
    return stdout;
  }

  beforeAll(async () => {
    for (const [name, code] of await programs()) await writeFile(path.join(project, name), code);
  });

  it('compile against the published types, and so does what the README shows', async () => {
    const [readme = ''] =
      /(?<=```ts\n)import [^`]*from 'damoov-user-lifecycle'[^`]*/.exec(await readFile('README.md', 'utf8')) ??
      [];
    expect(readme).toContain('new UserJobs');
    await writeFile(path.join(project, 'readme.ts'), readme);
    const options = ['--noEmit', '--strict', '--target', 'es2024', '--module', 'nodenext', '--types', 'node'];
    const files = [...(await programs()).keys()];
    expect(files).toEqual([
      'sign-up.ts',
      'close-account.ts',
      'back-fill.ts',
      'crm.ts',
      'find.ts',
      'test-double.ts',
    ]);
    const tsc = path.join(repository, 'node_modules', '.bin', 'tsc');
    await run(tsc, [...options, '--skipLibCheck', 'false', 'readme.ts', ...files], { cwd: project }).catch(
      ({ stdout }: { stdout: string }) => expect(stdout).toBe(''),
    );
  });

  it('receive an event, as the README shows it', async () => {
    // The world itself takes the events of the first queue.
    const world = await createWorld({ env: { EVENTS_QUEUES: 'user-events,pasted' } });
    const readme = await readFile(path.join(project, 'readme.ts'), 'utf8');
    expect(readme.split('{ redis }')).toHaveLength(3);
    const code = readme
      .replaceAll('{ redis }', `{ redis, prefix: '${world.prefix}' }`)
      .replace('UserEvents({ redis,', `UserEvents({ queue: 'pasted', redis,`);
    await writeFile(path.join(project, 'readme-pasted.ts'), code);
    const env = { ...process.env, ...world.env };
    const child = spawn(process.execPath, ['readme-pasted.ts'], { cwd: project, env });
    onTestFinished(() => void child.kill('SIGKILL'));
    const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
    expect(await world.users()).toMatchObject([{ clientId: 'customer-4711', deviceToken: line }]);
  });

  it('do what they say', async () => {
    const world = await createWorld();
    // The programs name no prefix: they get the world's by their text.
    for (const [name, code] of await programs()) {
      await writeFile(
        path.join(project, name),
        code.replace(/redis: process/, `prefix: '${world.prefix}', redis: process`),
      );
    }
    const signUp = await runProgram('sign-up.ts', world.env);
    expect(signUp).toMatch(/^[0-9a-f-]{36}\ndue at \S+Z\ncancelled\n$/);
    expect(await runProgram('find.ts', world.env)).toBe(signUp.split('\n', 1)[0] + '\n');
    expect(await runProgram('test-double.ts', world.env)).toBe('1\n');
    expect(await runProgram('close-account.ts', world.env)).toBe('');
    expect(await world.jobs.getDelayedCount()).toBe(1);
    expect(await runProgram('back-fill.ts', world.env)).toBe('1000 added\n');
    await expect.poll(async () => (await world.users()).length).toBe(1001);
  });
});
