/**
 * Gives a data directory a Redis of its own, on loopback, for as long as somebody on this machine uses it. It knows who
 * they are; how a Redis is found and run is told in embedded/. It reads no configuration: REDIS_URL is its callers' affair.
 */
import { mkdir, readFile, realpath, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { exclusively, isAlive } from './exclusively.ts';
import { findRedis } from './find-redis.ts';
import type { FindOptions, RedisSource } from './find-redis.ts';
import { freePort } from './free-port.ts';
import { HUNG_MS, PortTakenError, end, findRunning, launch } from './redis-process.ts';
import type { RedisProcess, RedisSettings } from './redis-process.ts';

export interface RedisServer {
  readonly url: string;
  readonly how: RedisProcess['how'];
  /** Lets go of the server, and ends it where nobody else uses it. A second call does nothing. */
  stop(): Promise<void>;
  /** Ends the server under everybody who uses it. */
  kill(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>;
  /** Starts it again after `kill`, on the same port and data. */
  restart(): Promise<void>;
}

export interface RedisServerOptions {
  /** Holds the append-only file, the log and what is noted of the server. Made where it is missing. */
  readonly dir: string;
  /** Default: the port of the last time, else a free one. */
  readonly port?: number;
  /** When Redis forces a write to the disk. Default `everysec`. */
  readonly appendFsync?: RedisSettings['appendFsync'];
  /** Whether a container may stand in for a redis-server of the system. Default true. */
  readonly docker?: boolean;
  /** How long a Redis may take for a line about itself before it is taken for hung, in milliseconds. Default 5000. */
  readonly hungMs?: number;
  readonly log?: (line: string) => void;
  readonly find?: (options: FindOptions) => Promise<RedisSource>;
}

/** What is noted in the directory, for those who come later. */
const noteSchema = z.object({
  process: z.discriminatedUnion('how', [
    z.object({ how: z.literal('redis-server'), port: z.int(), pid: z.int() }),
    z.object({ how: z.literal('docker'), port: z.int() }),
  ]),
  /** The process id of each user; a process that starts the server twice is here twice. */
  users: z.array(z.int()),
});
type Note = z.infer<typeof noteSchema>;

const NOTE = 'server.json';

/** A free port can be taken before Redis listens on it. */
const MOST_PORTS = 5;

/**
 * Starts a Redis over the directory, or joins the one that runs there already: two of them must never share one
 * append-only file. One left behind by a process that was killed is joined too, and ended by the last who stops.
 * A server that is joined keeps its port and its settings.
 * @throws where this machine has no Redis, or its Redis does not start.
 */
export async function startRedisServer(options: RedisServerOptions): Promise<RedisServer> {
  await mkdir(options.dir, { recursive: true, mode: 0o700 });
  const { hungMs = HUNG_MS } = options;
  const home = await realpath(options.dir);
  const lock = join(home, 'lock');
  const inTurn = async <T>(work: () => Promise<T>): Promise<T> =>
    exclusively(lock, work, (owner) => options.log?.(`waiting for process ${owner}, which holds ${lock}`));

  const { how, port } = await inTurn(async () => {
    const last = await readNote(home);
    const running = last === undefined ? undefined : await findRunning(last.process, home, hungMs);
    const server = running ?? (await startOver(options, home, last?.process));
    const others = running === undefined ? [] : (last?.users ?? []);
    await writeNote(home, { process: server, users: [...others, process.pid] });
    return server;
  });

  let isStopped = false;
  return {
    url: `redis://127.0.0.1:${port}`,
    how,
    stop: async () => {
      if (isStopped) return;
      isStopped = true;
      await inTurn(async () => leave(home));
    },
    kill: async (signal) => {
      const note = await readNote(home);
      if (note !== undefined) await end(note.process, home, signal);
    },
    restart: async () =>
      inTurn(async () => {
        const users = (await readNote(home))?.users ?? [];
        await writeNote(home, { process: await startOver({ ...options, port }, home), users });
      }),
  };
}

async function startOver(
  options: RedisServerOptions,
  home: string,
  last?: RedisProcess,
): Promise<RedisProcess> {
  const { log = () => undefined, docker = true, find = findRedis, appendFsync = 'everysec' } = options;
  if (last !== undefined) await end(last, home, 'SIGKILL'); // where it still runs, it does not answer
  const source = await find({ log, docker });
  for (let attempt = 1; ; attempt++) {
    const port = options.port ?? (attempt === 1 ? last?.port : undefined) ?? (await freePort());
    try {
      return await launch(source, { home, port, appendFsync }, async (started) =>
        writeNote(home, { process: started, users: [] }),
      );
    } catch (error) {
      if (!(error instanceof PortTakenError) || options.port !== undefined || attempt === MOST_PORTS)
        throw error;
    }
  }
}

async function leave(home: string): Promise<void> {
  const note = await readNote(home);
  if (note === undefined) return;
  const mine = note.users.indexOf(process.pid);
  const users = note.users.filter((pid, index) => index !== mine && isAlive(pid));
  if (users.length === 0) await end(note.process, home);
  await writeNote(home, { ...note, users });
}

async function readNote(home: string): Promise<Note | undefined> {
  try {
    return noteSchema.parse(JSON.parse(await readFile(join(home, NOTE), 'utf8')));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Renaming replaces the note as a whole, whenever we are killed. */
async function writeNote(home: string, note: Note): Promise<void> {
  const path = join(home, NOTE);
  await writeFile(`${path}.new`, JSON.stringify(note));
  await rename(`${path}.new`, path);
}
