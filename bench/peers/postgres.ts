/**
 * A Postgres of the benchmark's own: finds the one that is installed, starts it over a new directory, on loopback alone, and ends it.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  accessSync,
  chownSync,
  closeSync,
  openSync,
  readFileSync,
  readdirSync,
  writeFileSync,
} from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../src/dev/free-port.ts';
import { PartUnavailableError } from '../part.ts';

export interface Postgres {
  readonly url: string;
  readonly pid: number;
  /** Ends it and removes its directory. */
  stop(): Promise<void>;
}

/** What pg-boss asks for. */
const LEAST_VERSION = 13;
const READY_MS = 30_000;
const SHUTDOWN_MS = 10_000;

const SETTINGS = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  // As the Redis of the other side, whose append-only file is written to disk once a second.
  synchronous_commit: 'off',
};

/** The directory of Postgres' programs. @throws PartUnavailableError that says what to install. */
export function findPostgres(): string {
  const configured = process.env['POSTGRES_BIN'];
  const found = (configured ? [configured] : usualDirectories()).find(isRecentEnough);
  if (found !== undefined) return found;
  throw new PartUnavailableError(
    `No Postgres to run: install version ${LEAST_VERSION} or newer (Debian, Ubuntu: sudo apt-get install postgresql), ` +
      'or set POSTGRES_BIN to the directory of initdb and postgres.',
  );
}

/** Debian and Red Hat keep versions apart, off the PATH. The newest comes first. */
function usualDirectories(): string[] {
  const versions = (root: string, pattern: RegExp) =>
    namesIn(root)
      .filter((name) => pattern.test(name))
      .toSorted((one, other) => versionIn(other) - versionIn(one))
      .map((name) => join(root, name, 'bin'));
  return [
    ...versions('/usr/lib/postgresql', /^\d+$/),
    ...versions('/usr', /^pgsql-\d+$/),
    ...(process.env['PATH'] ?? '').split(':').filter((directory) => directory !== ''),
  ];
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

function versionIn(text: string): number {
  return Number(/\d+/.exec(text)?.[0] ?? 0);
}

function isRecentEnough(directory: string): boolean {
  try {
    accessSync(join(directory, 'initdb'));
  } catch {
    return false;
  }
  const { stdout } = spawnSync(join(directory, 'postgres'), ['--version'], { encoding: 'utf8' });
  return versionIn(stdout ?? '') >= LEAST_VERSION;
}

export async function startPostgres(): Promise<Postgres> {
  const bin = findPostgres();
  const owner = unprivilegedOwner();
  const home = await mkdtemp(join(tmpdir(), 'bench-postgres-'));
  const password = randomBytes(16).toString('hex');
  try {
    const data = initialize({ bin, home, owner, password });
    const port = await freePort();
    const child = launch({ bin, home, owner }, { ...SETTINGS, port: String(port) }, data);
    const url = `postgres://bench:${password}@127.0.0.1:${port}/postgres`;
    await untilReady(child, url, logOf(home));
    return { url, pid: child.pid ?? 0, stop: async () => stop(child, home) };
  } catch (error) {
    await rm(home, { recursive: true, force: true });
    throw error;
  }
}

interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** Postgres refuses to run as root: then the account of the installed one runs it, or nobody. */
function unprivilegedOwner(): Owner | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const accounts = readFileSync('/etc/passwd', 'utf8');
  for (const name of ['postgres', 'nobody']) {
    const [, uid, gid] = new RegExp(`^${name}:[^:]*:(\\d+):(\\d+):`, 'm').exec(accounts) ?? [];
    if (uid !== undefined && gid !== undefined) return { uid: Number(uid), gid: Number(gid) };
  }
  throw new PartUnavailableError(
    'Postgres does not run as root, and there is no account postgres or nobody.',
  );
}

interface Installed {
  readonly bin: string;
  readonly home: string;
  readonly owner: Owner | undefined;
}

/** @returns the data directory. */
function initialize({ bin, home, owner, password }: Installed & { password: string }): string {
  const data = join(home, 'data');
  const passwordFile = join(home, 'password');
  writeFileSync(passwordFile, password, { mode: 0o600 });
  if (owner !== undefined) for (const path of [home, passwordFile]) chownSync(path, owner.uid, owner.gid);
  const words = ['--pgdata', data, '--username=bench', `--pwfile=${passwordFile}`, '--auth=scram-sha-256'];
  const { status, stderr, error } = spawnSync(
    join(bin, 'initdb'),
    [...words, '--encoding=UTF8', '--locale=C'],
    { cwd: home, encoding: 'utf8', ...owner },
  );
  if (status !== 0) throw new Error(`initdb failed: ${stderr?.trim() || String(error)}`);
  return data;
}

function launch(
  { bin, home, owner }: Installed,
  settings: Record<string, string>,
  data: string,
): ChildProcess {
  const log = openSync(logOf(home), 'w');
  try {
    const words = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    // A process group of its own: Ctrl-C in a terminal is for us, who end it in its turn.
    return spawn(join(bin, 'postgres'), ['-D', data, ...words], {
      cwd: home,
      detached: true,
      stdio: ['ignore', log, log],
      ...owner,
    });
  } finally {
    closeSync(log);
  }
}

function logOf(home: string): string {
  return join(home, 'postgres.log');
}

async function untilReady(child: ChildProcess, url: string, logPath: string): Promise<void> {
  const { Client } = await import('pg');
  const deadline = performance.now() + READY_MS;
  for (;;) {
    const client = new Client({ connectionString: url });
    client.on('error', () => undefined);
    try {
      await client.connect();
      await client.end();
      return;
    } catch (error) {
      if (child.exitCode === null && performance.now() < deadline) {
        await sleep(50);
        continue;
      }
      child.kill('SIGKILL');
      const lastWords = readFileSync(logPath, 'utf8').trim().split('\n').slice(-10).join('\n');
      throw new Error(`Postgres did not start: ${lastWords || String(error)}`, { cause: error });
    }
  }
}

async function stop(child: ChildProcess, home: string): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    const exited = once(child, 'exit');
    // SIGINT ends sessions and writes a checkpoint; SIGQUIT leaves that out. SIGTERM would wait for all clients.
    child.kill('SIGINT');
    const patience = setTimeout(() => child.kill('SIGQUIT'), SHUTDOWN_MS);
    await exited;
    clearTimeout(patience);
  }
  await rm(home, { recursive: true, force: true });
}
