/**
 * The file that is imported, which is read twice: once to be judged, once to be added. What can be read only once is copied
 * first, into a file that nobody else can open and that no crash leaves behind.
 */
import { constants, fstat as fstatWithCallback, openSync } from 'node:fs';
import { type FileHandle, mkdtemp, open, rm, stat as statOf } from 'node:fs/promises';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Readable, addAbortSignal } from 'node:stream';
import { promisify } from 'node:util';
import { timeFault } from '../../contract/job-times.ts';
import { FileError, reasonOf } from '../terminal/file-error.ts';
import { identityOf } from '../terminal/report-file.ts';
import { UsageError } from '../shared/usage-error.ts';

export interface Source {
  readonly sizeBytes: number;
  /** Epoch milliseconds; of what is no file when it was opened, as nobody can tell more. */
  readonly writtenAt: number;
  /** Of the file that it is read from, see {@link identityOf}. */
  readonly identity: string | undefined;
  /** All of it, from the beginning. */
  bytes(): AsyncIterable<Buffer>;
  /** So many of its first bytes, or all that it has. */
  head(most: number): Promise<Buffer>;
  /** Whether somebody has written to it since it was opened. */
  hasChanged(): Promise<boolean>;
  close(): Promise<void>;
}

const PIECE_BYTES = 64 * 1024;
const fstat = promisify(fstatWithCallback);

/**
 * @param file `-` for the standard input.
 * @throws UsageError where it cannot be read.
 */
export async function openSource(file: string, stdin: Readable, signal: AbortSignal): Promise<Source> {
  const openedAt = Date.now();
  if (file === '-') {
    const copied = { writtenAt: openedAt, identity: await identityOfStdin(stdin) };
    return sourceOf(await copyOf(stdin, signal), copied);
  }
  const refuse = (error: unknown): never => {
    throw new UsageError(`${file} cannot be read (${reasonOf(error)})`);
  };
  if ((await statOf(file).catch(refuse)).isFIFO()) {
    const copy = await copyOf(openPipe(file), signal);
    return sourceOf(copy, { writtenAt: openedAt, identity: undefined });
  }
  const handle = await open(file, 'r').catch(refuse);
  const stat = await handle.stat({ bigint: true });
  if (stat.isFile()) {
    return sourceOf(handle, { writtenAt: Math.floor(Number(stat.mtimeMs)), identity: identityOf(stat) });
  }
  try {
    if (stat.isDirectory()) throw new UsageError(`${file}: is a directory`);
    const copy = await copyOf(handle.createReadStream({ autoClose: false }), signal);
    return await sourceOf(copy, { writtenAt: openedAt, identity: undefined });
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

/** The list may be redirected: `import - < users.csv`. */
async function identityOfStdin(stdin: Readable & { fd?: unknown }): Promise<string | undefined> {
  return typeof stdin.fd === 'number' ? identityOf(await fstat(stdin.fd, { bigint: true })) : undefined;
}

async function sourceOf(handle: FileHandle, from: Pick<Source, 'writtenAt' | 'identity'>): Promise<Source> {
  const { size, mtimeMs } = await handle.stat();
  return {
    ...from,
    sizeBytes: size,
    async *bytes() {
      const stream = handle.createReadStream({ start: 0, autoClose: false, highWaterMark: PIECE_BYTES });
      try {
        yield* stream as AsyncIterable<Buffer>;
      } catch (error) {
        throw new FileError('the file cannot be read', error);
      }
    },
    async head(most) {
      const { buffer, bytesRead } = await handle
        .read(Buffer.alloc(most), 0, most, 0)
        .catch((error: unknown) => Promise.reject(new FileError('the file cannot be read', error)));
      return buffer.subarray(0, bytesRead);
    },
    async hasChanged() {
      const stat = await handle.stat().catch((error: unknown) => {
        throw new FileError('the file cannot be read', error);
      });
      return stat.size !== size || stat.mtimeMs !== mtimeMs;
    },
    close: () => handle.close(),
  };
}

/** Opening one that no program writes to would take a thread until one does, and the process could not end. */
function openPipe(file: string): Readable {
  return new Socket({ fd: openSync(file, constants.O_RDONLY | constants.O_NONBLOCK), writable: false });
}

async function copyOf(stream: Readable, signal: AbortSignal): Promise<FileHandle> {
  const directory = tmpdir();
  const handle = await openUnnamed(directory).catch((error: unknown) => {
    throw new UsageError(
      `${directory} is needed for a copy of the input, and cannot be written (${reasonOf(error)}): ` +
        'let TMPDIR name a directory with room for it',
    );
  });
  try {
    for await (const piece of piecesOf(stream, signal)) {
      await handle.writeFile(piece).catch((error: unknown) => {
        throw new FileError(`the copy of the input in ${directory} cannot be written`, error);
      });
    }
    return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function* piecesOf(stream: Readable, signal: AbortSignal): AsyncGenerator<Buffer> {
  try {
    for await (const piece of addAbortSignal(signal, stream)) yield Buffer.from(piece);
  } catch (error) {
    throw signal.aborted ? signal.reason : new FileError('the input cannot be read', error);
  }
}

/** A new file whose name is gone before the first byte is in it: it ends with this process, however that ends. */
async function openUnnamed(directory: string): Promise<FileHandle> {
  const own = await mkdtemp(join(directory, 'damoov-users-'));
  try {
    return await open(join(own, 'import'), 'wx+', 0o600);
  } finally {
    await rm(own, { recursive: true });
  }
}
