/**
 * Knows one Redis process over one data directory: how it is started, recognised and ended, be it a program or a
 * container. It knows neither who uses it nor how long it shall live.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { isAlive } from './exclusively.ts';
import type { RedisSource } from './find-redis.ts';
import { runCommand } from './run-command.ts';
import type { CommandResult } from './run-command.ts';

/** What it takes to recognise a Redis and to end it, also by another process than the one that started it. */
export type RedisProcess =
  | { readonly how: 'redis-server'; readonly port: number; readonly pid: number }
  | { readonly how: 'docker'; readonly port: number };

export interface RedisSettings {
  /** The data directory, as its real path: it is what a running Redis is recognised by. */
  readonly home: string;
  readonly port: number;
  readonly appendFsync: 'always' | 'everysec' | 'no';
}

/** Another process listens there. */
export class PortTakenError extends Error {
  override readonly name = 'PortTakenError';
}

const HOST = '127.0.0.1';

const CONTAINER_LABEL = 'damoov-user-lifecycle.redis';

/** A Redis that takes longer for a line about itself is taken for hung. */
export const HUNG_MS = 5_000;

/** Redis loads all its data before it answers. */
const READY_DEADLINE_MS = 120_000;

/** A shutdown writes what the append-only file still lacks, never a whole dump: later than this it hangs. */
const SHUTDOWN_DEADLINE_MS = 10_000;

/**
 * Starts Redis and returns when it answers.
 * @param onSpawn is told the process before it is ready, so that it can be found again should we die meanwhile.
 * @throws PortTakenError, or an error that ends with Redis' own last words.
 */
export async function launch(
  source: RedisSource,
  settings: RedisSettings,
  onSpawn: (started: RedisProcess) => Promise<void>,
): Promise<RedisProcess> {
  const logPath = join(settings.home, 'redis.log');
  const child = spawnRedis(source, settings, logPath);
  const death = new AbortController();
  child.once('exit', () => {
    death.abort();
  });
  let started: RedisProcess | undefined;
  try {
    await once(child, 'spawn');
    started = described(source, settings, child);
    await onSpawn(started);
    await untilReady(settings, AbortSignal.any([death.signal, AbortSignal.timeout(READY_DEADLINE_MS)]));
    child.unref(); // a caller that forgets to stop Redis must still be able to exit
    return started;
  } catch (error) {
    if (started !== undefined && !death.signal.aborted) await end(started, settings.home, 'SIGKILL');
    const lastWords = (await readFile(logPath, 'utf8')).trim().split('\n').slice(-15).join('\n');
    if (/address already in use|port is already allocated/i.test(lastWords)) {
      throw new PortTakenError(`port ${settings.port} is in use`, { cause: error });
    }
    const message = `Redis (${source.how}) did not start over ${settings.home}: ${lastWords || String(error)}`;
    throw new Error(message, { cause: error });
  }
}

function spawnRedis(source: RedisSource, settings: RedisSettings, logPath: string): ChildProcess {
  const log = openSync(logPath, 'w'); // a file, not a pipe: Redis may outlive us
  try {
    return spawn(source.how === 'docker' ? 'docker' : source.command, commandLine(source, settings), {
      argv0: source.how === 'docker' ? 'docker' : 'redis-server',
      // A process group of its own: Ctrl-C in a terminal is for us, who still need Redis while we finish.
      detached: true,
      stdio: ['ignore', log, log],
    });
  } finally {
    closeSync(log);
  }
}

function commandLine(source: RedisSource, { home, port, appendFsync }: RedisSettings): string[] {
  const server = flags({
    port: String(port),
    bind: source.how === 'docker' ? '0.0.0.0' : HOST,
    'protected-mode': source.how === 'docker' ? 'no' : 'yes',
    dir: home,
    daemonize: 'no',
    save: '',
    appendonly: 'yes',
    appendfsync: appendFsync,
    'maxmemory-policy': 'noeviction',
  });
  if (source.how === 'redis-server') return server;
  const container = flags({
    label: `${CONTAINER_LABEL}=${home}`,
    user: source.user,
    publish: `${HOST}:${port}:${port}`,
    // The same path inside: a Redis is recognised by it. Z is for SELinux, which else forbids the directory.
    volume: `${home}:${home}:Z`,
    entrypoint: 'redis-server',
  });
  return ['run', '--rm', ...container, source.image, ...server];
}

function flags(values: Record<string, string>): string[] {
  return Object.entries(values).flatMap(([name, value]) => [`--${name}`, value]);
}

function described(source: RedisSource, { port }: RedisSettings, { pid }: ChildProcess): RedisProcess {
  if (source.how === 'docker') return { how: 'docker', port };
  if (pid === undefined) throw new Error('a spawned process has an id');
  return { how: 'redis-server', port, pid };
}

/** @throws when the signal aborts first. */
async function untilReady(
  { port, home }: Pick<RedisSettings, 'port' | 'home'>,
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted();
  const aborted = once(signal, 'abort');
  const client = new Redis({
    host: HOST,
    port,
    protocol: 2,
    maxRetriesPerRequest: null,
    retryStrategy: () => 50,
  });
  client.on('error', () => undefined); // refused until Redis listens
  try {
    // Raced, since ioredis leaves a command unsettled when it is told to disconnect between two attempts.
    const dir = await Promise.race([dataDirectory(client).catch(() => undefined), aborted]);
    if (dir !== home) await aborted; // somebody else answers on this port: ours will find it taken and end
    signal.throwIfAborted();
  } finally {
    client.disconnect();
  }
}

/** The Redis over this directory, if it answers where it last did. */
export async function findRunning(
  last: RedisProcess,
  home: string,
  hungMs: number,
): Promise<RedisProcess | undefined> {
  const client = new Redis({
    host: HOST,
    port: last.port,
    protocol: 2,
    enableReadyCheck: false, // it may still be loading its data
    retryStrategy: () => null,
    connectTimeout: hungMs,
    commandTimeout: hungMs,
  });
  client.on('error', () => undefined);
  try {
    if ((await dataDirectory(client)) !== home) return undefined;
  } catch {
    return undefined;
  } finally {
    client.disconnect();
  }
  await untilReady({ home, port: last.port }, AbortSignal.timeout(READY_DEADLINE_MS));
  return last;
}

async function dataDirectory(client: Redis): Promise<unknown> {
  const answer = await client.config('GET', 'dir');
  return Array.isArray(answer) ? answer[1] : undefined;
}

/**
 * Ends this very Redis, if it runs, and returns when it is gone; one that ignores the signal is killed.
 * @throws where even that does not end it.
 */
export async function end(
  redis: RedisProcess,
  home: string,
  signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM',
): Promise<void> {
  for (const next of [signal, 'SIGKILL'] as const) {
    const isGone = redis.how === 'docker' ? await endContainer(home, next) : await endProgram(redis, next);
    if (isGone) return;
  }
  throw new Error(`Redis (${redis.how}) over ${home} cannot be ended`);
}

async function endProgram(redis: { pid: number; port: number }, signal: NodeJS.Signals): Promise<boolean> {
  if (!(await isRedis(redis))) return true;
  process.kill(redis.pid, signal);
  return nobodyListens(redis.port);
}

async function endContainer(home: string, signal: NodeJS.Signals): Promise<boolean> {
  const docker = async (...args: string[]): Promise<CommandResult> =>
    runCommand('docker', args, { deadlineMs: SHUTDOWN_DEADLINE_MS });
  // Where no engine answers, no container runs.
  const { output } = await docker('ps', '--quiet', '--filter', `label=${CONTAINER_LABEL}=${home}`);
  const containers = output.split('\n').filter((id) => /^[0-9a-f]+$/.test(id));
  if (containers.length === 0) return true;
  await docker('kill', `--signal=${signal}`, ...containers);
  const { ok } = await docker('wait', ...containers);
  return ok;
}

/** Whether the process of this id is still the one we mean: ids are given anew. Redis writes its port into its title. */
async function isRedis({ pid, port }: { pid: number; port: number }): Promise<boolean> {
  if (!isAlive(pid)) return false;
  const title = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(
    async () => (await runCommand('ps', ['-ww', '-o', 'args=', '-p', String(pid)])).output,
  );
  return title.includes('-server') && title.includes(String(port));
}

/** Waits until nobody listens on the port: a connection that closes tells of any process' death, our child or not. */
async function nobodyListens(port: number): Promise<boolean> {
  const deadline = AbortSignal.timeout(SHUTDOWN_DEADLINE_MS);
  while (!deadline.aborted) {
    const socket = connect({ host: HOST, port, signal: deadline });
    let isListening = false;
    socket.once('connect', () => (isListening = true)).on('error', () => undefined);
    socket.resume();
    await new Promise((resolve) => socket.once('close', resolve));
    if (!isListening && !deadline.aborted) return true;
  }
  return false;
}
