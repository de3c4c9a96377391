import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { parseJob } from '../../src/contract/job.ts';
import { VARIABLES } from '../../src/config/config.ts';
import { UserEvent } from '../../src/contract/event.ts';
import { COMPILE_CACHE } from '../support/compile-cache.ts';
import { makeFailedJobs } from '../support/failed-jobs.ts';
import { runCommand } from '../support/run-command.ts';
import { nothingConfigured } from '../support/spawn-worker.ts';
import { createWorld } from '../support/world.ts';
import { anchorsOf, pages } from './pages.ts';

/** How the documentation calls the command; one test does it as a reader would, the others call its function. */
const CLI = 'npm run -s cli -- ';

/** Runs a command of the repository as a reader of the README would, with nothing configured but what is given. */
function start(command: string, args: string[], env: Record<string, string> = {}) {
  const child = spawn(command, args, {
    env: {
      PATH: process.env['PATH'],
      HOME: process.env['HOME'],
      ...COMPILE_CACHE,
      ...nothingConfigured(),
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own: npm does not hand every signal on.
    detached: true,
  });
  const exit = once(child, 'exit').then(([status]) => status as number | null);
  onTestFinished(async () => {
    if (child.exitCode === null && child.signalCode === null) process.kill(-(child.pid ?? 0), 'SIGKILL');
    await exit;
  });
  return { child, exit };
}

async function codeBlocks(file: string, language: string): Promise<string[]> {
  const content = await readFile(file, 'utf8');
  return [...content.matchAll(new RegExp(`\`\`\`${language}\\n(.*?)\`\`\``, 'gs'))].map(
    ([, code = '']) => code,
  );
}

describe('the README', () => {
  it('`npm run demo` carries nine jobs through and says so', async () => {
    const { child, exit } = start('npm', ['run', 'demo', '--', '500'], { REDIS_URL: inject('redisUrl') });
    const [output] = await Promise.all([text(child.stdout), text(child.stderr)]);
    expect(await exit).toBe(0);
    const outcomes = output.match(
      /^ {2}\d (create|update|delete)-user +user\.(created|updated|deleted) +[0-9a-f-]{36}/gm,
    );
    expect(outcomes).toHaveLength(9);
    expect(output).toContain('Every job ended as it should');
  });

  it('`npm start` runs with nothing configured, says so in one line, and stops when told', async () => {
    const { child, exit } = start('npm', ['start'], { HTTP_PORT: '0' });
    const lines: { level: number; msg: string; url?: string; redis?: string; damoov?: string }[] = [];
    for await (const line of createInterface({ input: child.stderr })) {
      lines.push(JSON.parse(line));
      if (line.includes('worker started')) break;
    }
    const warnings = lines.filter(({ level }) => level >= 40);
    expect(warnings).toMatchObject([
      { redis: expect.stringContaining('redis://'), damoov: expect.stringContaining('http://127.0.0.1:') },
    ]);
    const url = lines.at(-1)?.url ?? '';
    expect((await fetch(`${url}/livez`)).status).toBe(200);
    await expect.poll(async () => (await fetch(`${url}/readyz`)).status).toBe(200);
    // To npm alone, as by its process id.
    child.kill('SIGTERM');
    expect(await exit).toBe(0);
    // npm may be gone before what it has started.
    const answers = () => fetch(`${url}/livez`).then(Boolean, () => false);
    await expect.poll(answers).toBe(false);
  });

  it('the command of the runbook for failed jobs shows them', async () => {
    const content = await readFile('docs/operate/runbook.md', 'utf8');
    expect(content).toContain(`\n${CLI}failed list --newer-than 1d\n`);
    const world = await createWorld({ startsWorker: false });
    await makeFailedJobs(world.redis, world.prefix, { count: 3 });
    const [npm = '', ...args] = `${CLI}failed list --newer-than 1d`.split(' ');
    const { child, exit } = start(npm, args, world.env);
    expect(await text(child.stdout)).toMatch(/^3 {2}retries-exhausted {2}create-user\n3 in all\n/);
    expect(await exit).toBe(0);
  });

  it('the example with BullMQ alone adds a job and receives the event', async () => {
    const example = await readFile('examples/producer-and-subscriber.ts', 'utf8');
    // The first queue is this test's, the second the example's.
    const world = await createWorld({ env: { EVENTS_QUEUES: 'other-events,user-events' } });
    await mkdir('.data', { recursive: true });
    const directory = await mkdtemp('.data/readme-');
    onTestFinished(() => rm(directory, { recursive: true }));
    const file = path.join(directory, 'example.ts');
    expect(example).toContain("prefix: '{damoov}'");
    await writeFile(file, example.replace('{damoov}', world.prefix));
    const { child } = start(process.execPath, [file], { REDIS_URL: inject('redisUrl') });
    const [line = ''] = await once(createInterface({ input: child.stdout }), 'line');
    const [user] = await world.users();
    expect(line).toMatch(/^\d+\/\d{13}\/user\.created user\.created /);
    expect(line).toContain(user?.deviceToken);
    expect(user).toMatchObject({ clientId: 'customer-4711', firstName: 'Ada', email: 'ada@example.com' });
  });

  it('the Python programs are Python, and add jobs that the contract takes', async () => {
    const programs = await Promise.all(
      ['sign_up.py', 'crm.py'].map((name) => readFile(`examples/${name}`, 'utf8')),
    );
    const parse = ['-c', 'import ast, sys; ast.parse(sys.argv[1])', programs.join('\n')];
    const python = spawnSync('python3', parse, { encoding: 'utf8' });
    // A machine without Python has no say in it.
    if (python.error === undefined) expect([python.status, python.stderr]).toEqual([0, '']);
    const adds = [
      ...programs
        .join('\n')
        .matchAll(/jobs\.add\("([a-z-]+)", (\{.*?\})(?:, \{"(?:delay|jobId)"[^}]*\})?\)\n/gs),
    ];
    expect(adds).toHaveLength(3);
    for (const [, name = '', data = ''] of adds) {
      const json = data.replaceAll('None', 'null').replaceAll(/,(?=\s*\})/g, '');
      expect(parseJob(name, JSON.parse(json))).toMatchObject({ ok: true });
    }
  });

  it('the commands about deletions work', async () => {
    const world = await createWorld({ startsWorker: false });
    const commands = (await codeBlocks('docs/guides/deletions.md', 'sh'))
      .flatMap((block) => block.split('\n'))
      .filter((line) => line.startsWith(`${CLI}delet`));
    expect(commands.length).toBeGreaterThan(1);
    for (const line of commands) {
      const { status, stderr } = await runCommand(line.slice(CLI.length).split(' '), world.env);
      // What was cancelled cannot be moved: 1 is an answer, 2 is none.
      expect([status, stderr]).toEqual([line.includes('reschedule') ? 1 : 0, '']);
    }
  });

  it('the documented event is one', async () => {
    const [event = ''] = await codeBlocks('docs/reference/jobs-and-events.md', 'json');
    expect(UserEvent.safeParse(JSON.parse(event)).error).toBeUndefined();
  });
});

describe('the documentation', () => {
  it('of the configuration and the example of it name every variable that is read, and no other', async () => {
    const documentation = await readFile('docs/operate/configuration.md', 'utf8');
    const [documented = '', reserved = ''] = documentation.split('These variables are reserved');
    const inEffect = VARIABLES.filter((name) => !reserved.includes(name));
    for (const name of inEffect) expect(documented).toContain(name);
    const example = await readFile('.env.example', 'utf8');
    const shown = example.match(/^#?[A-Z]+(_[A-Z]+)+(?==)/gm)?.map((name) => name.replace('#', ''));
    const ofComposeAlone = ['REDIS_PORT', 'SANDBOX_PORT', 'WORKER_PORTS'];
    expect([...(shown ?? []), 'NODE_ENV'].sort()).toEqual([...inEffect, ...ofComposeAlone].sort());
  });

  it('links to nothing that is not there', async () => {
    const dead: string[] = [];
    for (const file of await pages()) {
      for (const [, target = '', anchor] of (await readFile(file, 'utf8')).matchAll(
        /(?:\]\(|src=")(?!https?:)([^)"#\s]*)(?:#([^)]+))?[)"]/g,
      )) {
        const place = target === '' ? file : path.join(path.dirname(file), target);
        const isThere = await stat(place).catch(() => undefined);
        const hasAnchor =
          anchor === undefined || (isThere && anchorsOf(await readFile(place, 'utf8')).includes(anchor));
        if (!isThere || !hasAnchor) dead.push(`${file}: ${target}${anchor ? `#${anchor}` : ''}`);
      }
    }
    expect(dead).toEqual([]);
  });
});
