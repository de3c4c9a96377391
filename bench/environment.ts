/**
 * The environment of a benchmark: Redis servers of its own and the product's own processes. Knows how they start and end, not what is
 * measured on them.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { stripTypeScriptTypes } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { VARIABLES } from '../src/config/config.ts';
import { startRedisServer } from '../src/dev/embedded-server.ts';
import { SANDBOX_CREDENTIALS } from '../src/sandbox/server.ts';
import type { Access } from './damoov.ts';
import { type Postgres, startPostgres } from './peers/postgres.ts';

export const PREFIX = '{damoov}';

/** A process of the benchmark's own. */
export interface Program {
  readonly pid: number;
  end(): Promise<void>;
}

export interface Environment {
  /** A Redis with the settings of the embedded one, and nothing in it; answers its URL. */
  startRedis(name: string): Promise<string>;
  /** A Postgres with nothing in it. */
  startPostgres(): Promise<Omit<Postgres, 'stop'>>;
  /** `damoov-users sandbox`; answers its URL. */
  startSandbox(): Promise<string>;
  /** Starts `damoov-users worker`; returns its process id once it works. @param env in addition to its configuration. */
  startWorker(redisUrl: string, sandboxUrl: string, env?: Record<string, string>): Promise<number>;
  /**
   * A program that works on the jobs, ours or another, as somebody runs it whose log goes nowhere; answers it at once.
   * @param env on top of what points it there.
   */
  spawnWorker(
    program: readonly string[],
    redisUrl: string,
    sandboxUrl: string,
    env?: Record<string, string>,
  ): Program;
  /** Ends all of it, and removes what it wrote. */
  close(): Promise<void>;
}

const inTree = (path: string) => join(import.meta.dirname, path);

/** The credentials of the sandbox. */
export function accessTo(sandboxUrl: string): Access {
  const { instanceId, instanceKey } = SANDBOX_CREDENTIALS;
  return { baseUrl: sandboxUrl, instanceId, instanceKey };
}

/** The programs of {@link Environment.spawnWorker}. */
export const MAIN = inTree('../src/main.ts');
export const OURS = [MAIN, 'worker'];
export const BARE = [inTree('bare-worker.ts')];
export const PG_BOSS = [inTree('peers/pg-boss-worker.ts')];
export const GRAPHILE_WORKER = [inTree('peers/graphile-worker.ts')];

/** Both workers as JavaScript, as users run them: removing types at the start takes a worker 0.1 to 0.3 s and 15 to 40 MB. */
export async function buildWorkers(): Promise<{ ours: string[]; bare: string[] }> {
  await promisify(execFile)('npm', ['run', '-s', 'build'], { cwd: inTree('..') });
  for (const name of ['bare-worker', 'damoov']) {
    const text = stripTypeScriptTypes(await readFile(inTree(`${name}.ts`), 'utf8'));
    await writeFile(inTree(`../dist/${name}.js`), text.replaceAll(/\.ts'/g, ".js'"));
  }
  return { ours: [inTree('../dist/main.js'), 'worker'], bare: [inTree('../dist/bare-worker.js')] };
}

/** How long a worker has to finish before it is killed. */
const GRACE_MS = 10_000;

export async function prepareEnvironment(): Promise<Environment> {
  const dir = await mkdtemp(join(tmpdir(), 'bench-'));
  const closing: (() => Promise<unknown>)[] = [];

  /** Starts a command of the product and waits for a line of its. */
  async function start(
    command: string[],
    env: Record<string, string>,
    output: 'stdout' | 'stderr',
    isAwaited: (line: string) => boolean,
  ): Promise<{ line: string; pid: number }> {
    const child = spawn(process.execPath, [inTree('../src/main.ts'), ...command], {
      env: { PATH: process.env['PATH'], ...nothingConfigured(), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      // A process group of its own: Ctrl-C in a terminal is for us, who end it in its turn.
      detached: true,
    });
    closing.push(async () => end(child));
    const other = output === 'stdout' ? child.stderr : child.stdout;
    other.resume();
    const lines = createInterface({ input: child[output] });
    const { promise, resolve, reject } = Promise.withResolvers<{ line: string; pid: number }>();
    let last = '';
    lines.on('line', (line) => {
      last = line;
      if (isAwaited(line)) resolve({ line, pid: child.pid ?? 0 });
    });
    lines.once('close', () => reject(new Error(`"${command.join(' ')}" did not start: ${last}`)));
    return promise;
  }

  return {
    async startRedis(name) {
      const redis = await startRedisServer({ dir: join(dir, name) });
      closing.push(() => redis.stop());
      return redis.url;
    },
    async startPostgres() {
      const postgres = await startPostgres();
      closing.push(async () => postgres.stop());
      return postgres;
    },
    async startSandbox() {
      const { line } = await start(['sandbox', '--port', '0'], {}, 'stdout', (line) =>
        line.startsWith('http'),
      );
      return line;
    },
    async startWorker(redisUrl, sandboxUrl, env = {}) {
      const all = { ...workerEnv(redisUrl, sandboxUrl), ...env };
      const { pid } = await start(['worker'], all, 'stderr', (line) => line.includes('"worker started"'));
      return pid;
    },
    spawnWorker(program, redisUrl, sandboxUrl, env = {}) {
      const child = spawn(process.execPath, [...program], {
        env: {
          PATH: process.env['PATH'],
          ...nothingConfigured(),
          ...workerEnv(redisUrl, sandboxUrl),
          ...env,
        },
        stdio: 'ignore',
        detached: true,
      });
      closing.push(async () => end(child));
      if (child.pid === undefined) throw new Error(`${program.join(' ')} did not start`);
      return { pid: child.pid, end: async () => end(child) };
    },
    async close() {
      for (const step of closing.splice(0).toReversed()) await step();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  const patience = setTimeout(() => child.kill('SIGKILL'), GRACE_MS);
  await exited;
  clearTimeout(patience);
}

/** Empty counts as not set, and goes before what a developer's own `.env` says. */
function nothingConfigured(): Record<string, string> {
  return Object.fromEntries(VARIABLES.map((name) => [name, '']));
}

/** What points a command of the product at a Redis and a sandbox. */
export function workerEnv(redisUrl: string, sandboxUrl: string): Record<string, string> {
  return {
    REDIS_URL: redisUrl,
    QUEUE_PREFIX: PREFIX,
    DAMOOV_BASE_URL: sandboxUrl,
    DAMOOV_INSTANCE_ID: SANDBOX_CREDENTIALS.instanceId,
    DAMOOV_INSTANCE_KEY: SANDBOX_CREDENTIALS.instanceKey,
    DAMOOV_ADMIN_EMAIL: SANDBOX_CREDENTIALS.adminEmail,
    DAMOOV_ADMIN_PASSWORD: SANDBOX_CREDENTIALS.adminPassword,
    HTTP_PORT: '0',
  };
}
