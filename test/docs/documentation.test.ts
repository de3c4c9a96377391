/**
 * What a reader can paste from README and docs is pasted here, or in the test that is named beside it.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseEnv, promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { VARIABLES, loadConfig } from '../../src/config/config.ts';
import { startSandbox } from '../../src/sandbox/server.ts';
import { runCommand, startCommand } from '../support/run-command.ts';
import { createWorld } from '../support/world.ts';
import { pages } from './pages.ts';

const run = promisify(execFile);

interface Block {
  file: string;
  language: string;
  code: string;
}

async function blocks(...languages: string[]): Promise<Block[]> {
  const all = await Promise.all(
    (await pages()).map(async (file) => {
      const found = (await readFile(file, 'utf8')).matchAll(/^```(\w*)\n(.*?)^```/gms);
      return [...found].map(([, language = '', code = '']) => ({ file, language, code }));
    }),
  );
  return all.flat().filter(({ language }) => languages.includes(language));
}

/** Every line that a shell is given, without its comment. */
async function lines(): Promise<{ file: string; line: string }[]> {
  return (await blocks('sh')).flatMap(({ file, code }) =>
    code
      .split('\n')
      .map((line) => ({ file, line: line.replace(/(?:^|\s+)# .*$/, '') }))
      .filter(({ line }) => line !== ''),
  );
}

const OURS = /^(?:npm run -s cli -- |damoov-users )/;

/** Tested elsewhere or not at all: they need a cluster, a registry or an engine. */
const ELSEWHERE: readonly RegExp[] = [
  // test/docs/readme.test.ts, test/bench, test/torture and .ci
  /^npm (?:test$|start$|run (?:demo|bench|torture)\b)/,
  /^docker compose up --build --wait$/,
  /^cp \.env\.example \.env$/,
  // test/deploy/kubernetes.test.ts puts the manifests together.
  /^kubectl apply --kustomize deploy\/kubernetes$/,
  // test/package.test.ts packs; the others ask a registry or a git server.
  /^npm (?:ci|pack|install \S+)$/,
  // test/docs/runbook.test.ts
  /^redis-cli /,
  // test/cli/receipts/run.test.ts, test/integration/rotation.test.ts
  /^(?:openssl|jq|od) /,
];

/** As a shell takes them. */
function wordsOf(line: string): string[] {
  return [...line.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(
    ([, one, two, bare]) => one ?? two ?? bare ?? '',
  );
}

async function directoryOf(files: Record<string, string>): Promise<string> {
  const directory = await mkdtemp(path.join(tmpdir(), 'pasted-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  for (const [name, content] of Object.entries(files)) await writeFile(path.join(directory, name), content);
  return directory;
}

describe('what can be pasted into a shell', () => {
  it('is known to a test', async () => {
    const unknown = (await lines()).filter(
      ({ line }) => ![OURS, ...ELSEWHERE, /^printf /, /^curl /].some((known) => known.test(line)),
    );
    expect(unknown).toEqual([]);
  });

  it('makes a password for the dashboard that the worker takes, and adds it to what is in `.env`', async () => {
    const [command, ...others] = (await lines()).filter(({ line }) => line.startsWith('printf '));
    expect(others).toEqual([]);
    const directory = await directoryOf({ '.env': 'LOG_LEVEL=debug' });
    await run('sh', ['-c', command?.line ?? ''], { cwd: directory });
    const env = parseEnv(await readFile(path.join(directory, '.env'), 'utf8')) as Record<string, string>;
    const { dashboard, logLevel } = loadConfig(env);
    expect([dashboard?.viewer?.user, logLevel]).toEqual(['ops', 'debug']);
    expect(dashboard?.viewer?.password).toMatch(/^[\w+/]{32}$/);
  });

  it('sets modes of the sandbox', async () => {
    const sandbox = await startSandbox({});
    onTestFinished(() => sandbox.close());
    const calls = (await lines()).filter(({ line }) => line.startsWith('curl '));
    expect(calls.length).toBeGreaterThan(0);
    for (const { line } of calls) {
      const [, , method = '', address = '', , body = ''] = wordsOf(line);
      const url = sandbox.url + address.replace('localhost:7700', '');
      const response = await fetch(url, { method, body });
      expect([line, response.status]).toEqual([line, 200]);
      expect(await response.json()).toMatchObject(JSON.parse(body) as object);
    }
  });
});

/** Not pasted: a probe changes a Damoov, and has tests of its own. */
const OWN_TEST = /^(?:probe |receipts )/;
/** They run until they are stopped. */
const ENDLESS = / --(?:watch|follow)\b|^sandbox\b/;

/** Lists with the columns that an example maps. */
const LISTS: Record<string, string> = {
  'customer no=clientId': 'Customer No,mail,notes\nc-1,a@b.c,x\n',
  'Name, first=firstName': 'clientId,"Name, first",a=b\nc-1,Ada,x\n',
};

describe('the commands', () => {
  it('are taken as they are written, in a world with a worker', { timeout: 120_000 }, async () => {
    const world = await createWorld();
    await world.run('create-user', { clientId: 'customer-4711' });
    const users = 'clientId,firstName\ncustomer-4711,Ada\n';
    const directory = await directoryOf({
      'users.csv': users,
      'sign-up.json': '{"clientId":"customer-4712"}',
    });
    const placed = (word: string) =>
      /^[\w.-]+\.(?:csv|json)$/.test(word) ? path.join(directory, word) : word;
    const documents = (await lines()).filter(({ file }) => !/runbook|scaling/.test(file));
    const commands = new Set(
      documents.flatMap(({ line }) => (OURS.test(line) ? [line.replace(OURS, '')] : [])),
    );
    expect(commands.size).toBeGreaterThan(20);
    for (const line of commands) {
      if (OWN_TEST.test(line)) continue;
      const [, map = ''] = /--map '([^']*)'/.exec(line) ?? [];
      await writeFile(path.join(directory, 'users.csv'), LISTS[map] ?? users);
      const [command = '', input] = line.split(' < ');
      const words = wordsOf(command).map((word) => (word === '7700' ? '0' : placed(word)));
      if (ENDLESS.test(line)) {
        const { stdout, exit, signal } = startCommand(words, world.env);
        const first = new Promise((resolve) => stdout.once('readable', resolve));
        await Promise.race([first, exit]);
        signal('SIGTERM');
        // 130, 143: stopped by a signal.
        expect([line, (await exit) === 2]).toEqual([line, false]);
        continue;
      }
      const stdin = input === undefined ? undefined : await readFile(placed(input), 'utf8');
      let end = await runCommand(words, world.env, stdin);
      // There is no person to confirm.
      if (end.stderr.includes('confirm with --yes')) end = await runCommand([...words, '--yes'], world.env);
      expect([line, end.stderr.includes('error:'), end.status === 2], end.stderr).toEqual([
        line,
        false,
        false,
      ]);
    }
  });
});

describe('what can be pasted into a `.env`', () => {
  it('names variables that there are, with values that are taken once the placeholders are filled in', async () => {
    const found = await blocks('dotenv');
    expect(found.length).toBeGreaterThan(3);
    for (const { file, code } of found) {
      // Beside each other stand what goes into two files.
      for (const text of code.includes('{damoov-us}') ? code.trim().split('\n') : [code]) {
        const env = parseEnv(text) as Record<string, string>;
        expect([file, Object.keys(env).filter((name) => !VARIABLES.includes(name))]).toEqual([file, []]);
        const filled = Object.fromEntries(
          Object.entries(env)
            // The files of the example are on another machine.
            .filter(([name]) => !name.endsWith('_FILE'))
            .map(([name, value]) => [name, value.replaceAll(/<[^>]*>/g, 'Wm9sNmRkZ1A2dz09')]),
        );
        expect(() => loadConfig(filled)).not.toThrow();
        if (text.includes('<')) expect(() => loadConfig(env)).toThrow('is a placeholder of an example');
      }
    }
  });
});

describe('the programs and the JSON', () => {
  it('are pasted by a test, or are JSON', async () => {
    const programs = (await blocks('ts', 'python')).map(({ file, code }) => [file, code.split('\n')[0]]);
    // test/package.test.ts runs those of these pages.
    const tried = ['README.md', 'docs/start/first-job.md', 'docs/guides/deletions.md'];
    expect(programs.filter(([file = '']) => !tried.includes(file))).toEqual([]);
    for (const { code } of await blocks('json')) {
      // One object, or one a line.
      const texts = code.startsWith('{\n') ? [code] : code.trim().split('\n');
      for (const text of texts) expect(() => JSON.parse(text) as unknown).not.toThrow();
    }
  });
});
