/**
 * The file that is imported, which is read twice: once to be judged, once to be added. What can be read only once is copied
 * first, into a file that nobody else can open and that no crash leaves behind.
 */
import { constants, openSync } from 'node:fs';
import { type FileHandle, mkdtemp, open, rm, stat as statOf } from 'node:fs/promises';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Readable, addAbortSignal } from 'node:stream';
import { timeFault } from '../../contract/job-times.ts';
import { UsageError } from '../usage-error.ts';

export interface Source {
  readonly sizeBytes: number;
  /** Epoch milliseconds; of what is no file when it was opened, as nobody can tell more. */
  readonly writtenAt: number;
  /** All of it, from the beginning. */
  bytes(): AsyncIterable<Buffer>;
  /** So many of its first bytes, or all that it has. */
  head(most: number): Promise<Buffer>;
  /** Whether somebody has written to it since it was opened. */
  hasChanged(): Promise<boolean>;
  close(): Promise<void>;
}

const PIECE_BYTES = 64 * 1024;

/**
 * @param file `-` for the standard input.
 * @throws UsageError where it cannot be read.
 */
export async function openSource(file: string, stdin: Readable, signal: AbortSignal): Promise<Source> {
  const openedAt = Date.now();
  if (file === '-') return sourceOf(await copyOf(stdin, signal), openedAt);
  const refuse = (error: unknown): never => {
    throw new UsageError(unreadable(file, error).message);
  };
  if ((await statOf(file).catch(refuse)).isFIFO()) {
    return sourceOf(await copyOf(openPipe(file), signal), openedAt);
  }
  const handle = await open(file, 'r').catch(refuse);
  const stat = await handle.stat();
  if (stat.isFile()) return sourceOf(handle);
  try {
    if (stat.isDirectory()) throw new UsageError(`${file}: is a directory`);
    return await sourceOf(await copyOf(handle.createReadStream({ autoClose: false }), signal), openedAt);
  } finally {
    await handle.close();
  }
}

/** What was judged is what is to be added. @throws where the file is another one by now. */
export async function refuseChanged(source: Source): Promise<void> {
  if (await source.hasChanged()) throw new Error('the file was changed meanwhile: run the command again');
}

/**
 * When the list was made, in epoch milliseconds: as somebody says, else when it was written. A clock that is ahead must not make
 * it newer than what happens after it.
 * @throws UsageError for a time that no job may have, as the files of some archives bear.
 */
export function madeAtOf({ writtenAt }: Pick<Source, 'writtenAt'>, asOf: number | undefined): number {
  const now = Date.now();
  const madeAt = Math.min(asOf ?? writtenAt, now);
  const fault = timeFault(madeAt, now);
  if (fault === undefined) return madeAt;
  if (asOf !== undefined) throw new UsageError(`--as-of: ${fault}`);
  throw new UsageError(`the time at which the file was written ${fault}: say with --as-of when it was made`);
}

async function sourceOf(handle: FileHandle, writtenAt?: number): Promise<Source> {
  const { size, mtimeMs } = await handle.stat();
  return {
    sizeBytes: size,
    writtenAt: writtenAt ?? Math.floor(mtimeMs),
    async *bytes() {
      const stream = handle.createReadStream({ start: 0, autoClose: false, highWaterMark: PIECE_BYTES });
      try {
        yield* stream as AsyncIterable<Buffer>;
      } catch (error) {
        throw unreadable('the file', error);
      }
    },
    async head(most) {
      const { buffer, bytesRead } = await handle
        .read(Buffer.alloc(most), 0, most, 0)
        .catch((error: unknown) => Promise.reject(unreadable('the file', error)));
      return buffer.subarray(0, bytesRead);
    },
    async hasChanged() {
      const stat = await handle.stat();
      return stat.size !== size || stat.mtimeMs !== mtimeMs;
    },
    close: () => handle.close(),
  };
}

/** Opening one that no program writes to would take a thread until one does, and the process could not end. */
function openPipe(file: string): Readable {
  return new Socket({ fd: openSync(file, constants.O_RDONLY | constants.O_NONBLOCK), writable: false });
}

/** Its name is gone before the first byte is in it: it ends with this process, however that ends. */
async function copyOf(stream: Readable, signal: AbortSignal): Promise<FileHandle> {
  const directory = await mkdtemp(join(tmpdir(), 'damoov-users-'));
  const handle = await open(join(directory, 'import'), 'wx+', 0o600);
  await rm(directory, { recursive: true });
  try {
    for await (const piece of addAbortSignal(signal, stream)) await handle.writeFile(Buffer.from(piece));
    return handle;
  } catch (error) {
    await handle.close();
    throw signal.aborted ? signal.reason : unreadable('the input', error);
  }
}

/** Told without the code as a property, by which a lost connection is known. */
function unreadable(what: string, error: unknown): Error {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
  return new Error(`${what} cannot be read (${code})`, { cause: error });
}
