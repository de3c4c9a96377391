/**
 * Runs a Redis for a data directory, on loopback, as long as a process of this machine uses it.
 */
import { mkdir, readFile, realpath, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { exclusively, isAlive } from './exclusively.ts';
import { findRedis } from './find-redis.ts';
import { freePort } from './free-port.ts';
import {
  PortTakenError,
  type RedisProcess,
  type RedisSettings,
  stopProcess,
  isRunning,
  launch,
} from './redis-process.ts';

export interface RedisServer {
  readonly url: string;
  /** Ends the server if no other process uses it. A second call does nothing. */
  stop(): Promise<void>;
}

export interface RedisServerOptions {
  /** Contains the append-only file, the log and a note about the server. Created if missing. */
  readonly dir: string;
  /** A Redis that is silent for this long hangs and is ended, in milliseconds. Default 5000. */
  readonly hungMs?: number;
}

/** Stored in the directory for later processes. */
const Note = z.object({
  port: z.int(),
  pid: z.int(),
  /** The process id of each user; a process that starts the server twice is listed twice. */
  users: z.array(z.int()),
});
type Note = z.infer<typeof Note>;

const NOTE = 'process.json';

/** Another process may take a free port before Redis listens on it. */
const MOST_PORTS = 5;

/**
 * Starts a Redis for the directory, or joins a running one: two servers must never share one append-only file. A server left behind by a
 * killed process is joined, too, and ended by the last process that stops. A joined server keeps its port and settings.
 * @throws Error if this machine has no Redis, or its Redis does not start.
 */
export async function startRedisServer(options: RedisServerOptions): Promise<RedisServer> {
  const command = findRedis();
  await mkdir(options.dir, { recursive: true, mode: 0o700 });
  const home = await realpath(options.dir);
  const lock = join(home, 'lock');
  const { hungMs = 5000 } = options;
  const settings = { command, home };

  const port = await exclusively(lock, async () => {
    const last = await readNote(home);
    const isJoined = last !== undefined && (await isRunning(home, last.port, hungMs));
    if (last !== undefined && !isJoined) await stopProcess(last, 'SIGKILL'); // it hangs, if it runs at all
    const server = isJoined ? last : await startOver(settings, last?.port);
    const others = isJoined ? last.users : [];
    await writeNote(home, server, [...others, process.pid]);
    return server.port;
  });

  let isStopped = false;
  return {
    url: `redis://127.0.0.1:${port}`,
    stop: async () => {
      if (isStopped) return;
      isStopped = true;
      await exclusively(lock, () => leave(home));
    },
  };
}

/** @param lastPort tried first: clients may know it. */
async function startOver(
  settings: Omit<RedisSettings, 'port'>,
  lastPort: number | undefined,
): Promise<RedisProcess> {
  for (let attempt = 1; ; attempt++) {
    const port = (attempt === 1 ? lastPort : undefined) ?? (await freePort());
    try {
      return await launch({ ...settings, port }, (started) => writeNote(settings.home, started, []));
    } catch (error) {
      if (!(error instanceof PortTakenError) || attempt === MOST_PORTS) throw error;
    }
  }
}

async function leave(home: string): Promise<void> {
  const note = await readNote(home);
  if (note === undefined) return;
  const mine = note.users.indexOf(process.pid);
  const users = note.users.filter((pid, index) => index !== mine && isAlive(pid));
  if (users.length === 0) await stopProcess(note);
  await writeNote(home, note, users);
}

async function readNote(home: string): Promise<Note | undefined> {
  const text = await readFile(join(home, NOTE), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  return text === undefined ? undefined : Note.parse(JSON.parse(text));
}

/** A rename replaces the note atomically, even if this process is killed. */
async function writeNote(home: string, { port, pid }: RedisProcess, users: readonly number[]): Promise<void> {
  const path = join(home, NOTE);
  await writeFile(`${path}.new`, JSON.stringify({ port, pid, users }));
  await rename(`${path}.new`, path);
}
