/**
 * Starts, recognises and ends one Redis process for one data directory.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { isAlive } from './exclusively.ts';

/** Enough to recognise and end a Redis that another process started. */
export interface RedisProcess {
  readonly port: number;
  readonly pid: number;
}

export interface RedisSettings {
  readonly command: string;
  /** The data directory, as its real path: a running Redis is recognised by it. */
  readonly home: string;
  readonly port: number;
}

export class PortTakenError extends Error {
  override readonly name = 'PortTakenError';
}

const HOST = '127.0.0.1';

/** Redis loads all its data before it answers. */
const READY_DEADLINE_MS = 120_000;

/** A shutdown only writes the rest of the append-only file, never a whole dump. */
const SHUTDOWN_DEADLINE_MS = 10_000;

/**
 * Starts Redis and returns when it answers.
 * @param onSpawn called before it is ready, so that a later process finds it if this one dies.
 * @throws PortTakenError, or an Error with the end of Redis' log.
 */
export async function launch(
  settings: RedisSettings,
  onSpawn: (started: RedisProcess) => Promise<void>,
): Promise<RedisProcess> {
  const { home, port } = settings;
  const logPath = join(home, 'redis.log');
  const child = spawnRedis(settings, logPath);
  const exit = new AbortController();
  child.once('exit', () => exit.abort());
  await once(child, 'spawn');
  const started = { port, pid: child.pid ?? 0 };
  try {
    await onSpawn(started);
    await untilReady(home, port, exit.signal);
    child.unref(); // a caller that forgets to stop Redis must still be able to exit
    return started;
  } catch (error) {
    await stopProcess(started, 'SIGKILL');
    const lastWords = (await readFile(logPath, 'utf8')).trim().split('\n').slice(-15).join('\n');
    if (/address already in use/i.test(lastWords)) throw new PortTakenError(`port ${port} is in use`);
    throw new Error(`Redis did not start over ${home}: ${lastWords || String(error)}`, { cause: error });
  }
}

function spawnRedis({ command, home, port }: RedisSettings, logPath: string): ChildProcess {
  const flags = {
    port: String(port),
    bind: HOST,
    dir: home,
    save: '',
    appendonly: 'yes',
    'maxmemory-policy': 'noeviction',
  };
  const log = openSync(logPath, 'w'); // a file, not a pipe: Redis may outlive this process
  try {
    const words = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, value]);
    // Its own process group: Ctrl-C in a terminal ends this process, which still needs Redis while it finishes.
    return spawn(command, words, { argv0: 'redis-server', detached: true, stdio: ['ignore', log, log] });
  } finally {
    closeSync(log);
  }
}

/** @throws if it takes too long, or the signal aborts first. */
async function untilReady(home: string, port: number, exit?: AbortSignal): Promise<void> {
  const deadline = AbortSignal.timeout(READY_DEADLINE_MS);
  const signal = exit === undefined ? deadline : AbortSignal.any([deadline, exit]);
  signal.throwIfAborted();
  const client = connect(port, { maxRetriesPerRequest: null, retryStrategy: () => 50 });
  const aborted = once(signal, 'abort');
  try {
    const answer = await Promise.race([dataDirectory(client).catch(() => undefined), aborted]);
    if (answer !== home) await aborted; // another Redis answers on this port: ours will find it taken and exit
    signal.throwIfAborted();
  } finally {
    client.disconnect();
  }
}

/** Whether the Redis of this directory answers on the port; waits while it loads its data. */
export async function isRunning(home: string, port: number, hungMs: number): Promise<boolean> {
  const client = connect(port, {
    enableReadyCheck: false, // it may still be loading its data
    retryStrategy: () => null,
    connectTimeout: hungMs,
    commandTimeout: hungMs,
  });
  try {
    if ((await dataDirectory(client).catch(() => undefined)) !== home) return false;
  } finally {
    client.disconnect();
  }
  await untilReady(home, port);
  return true;
}

function connect(port: number, options: object): Redis {
  const client = new Redis({ host: HOST, port, protocol: 2, ...options });
  client.on('error', () => undefined); // refused until Redis listens
  return client;
}

async function dataDirectory(client: Redis): Promise<unknown> {
  const answer = await client.config('GET', 'dir');
  return Array.isArray(answer) ? answer[1] : undefined;
}

/**
 * Ends this Redis, if it runs, and returns when it is gone; kills it if it ignores the signal.
 * @throws Error if it survives that.
 */
export async function stopProcess(
  redis: RedisProcess,
  signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM',
): Promise<void> {
  for (const next of [signal, 'SIGKILL'] as const) {
    if (!isRedis(redis)) return;
    process.kill(redis.pid, next);
    const until = Date.now() + SHUTDOWN_DEADLINE_MS;
    while (isRedis(redis) && Date.now() < until) await sleep(20);
  }
  if (isRedis(redis)) throw new Error(`Redis (process ${redis.pid}) cannot be ended`);
}

/** Process ids are reused, and Redis writes its port into its title. The title of an exited process is empty. */
function isRedis({ pid, port }: RedisProcess): boolean {
  if (!isAlive(pid)) return false;
  const title = titleOf(pid);
  return title.includes('-server') && title.includes(String(port));
}

function titleOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return spawnSync('ps', ['-ww', '-o', 'args=', '-p', String(pid)], { encoding: 'utf8' }).stdout ?? '';
  }
}
