/**
 * A list of users as a file that can be read several times. An input that can be read only once is copied first, into a private file that
 * no crash leaves behind.
 */
import { constants, createReadStream, openSync } from 'node:fs';
import { type FileHandle, mkdtemp, open, rm, stat as statOf } from 'node:fs/promises';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Readable, addAbortSignal } from 'node:stream';
import { timeFault } from '../../contract/timestamp-fault.ts';
import { type RowOptions, detectFormat } from '../../rows/read-rows.ts';
import { UsageError } from '../common/usage-error.ts';
import { FileError, reasonOf } from '../terminal/file-error.ts';

export interface ListOptions extends Partial<RowOptions> {
  /** Epoch milliseconds. */
  asOf?: number;
}

export interface Source {
  readonly sizeBytes: number;
  /** Epoch milliseconds; for an input that is not a file, when it was opened. */
  readonly writtenAt: number;
  /** All of it, from the beginning. */
  bytes(): AsyncIterable<Buffer>;
  /** Whether the file was written since it was opened. */
  hasChanged(): Promise<boolean>;
  close(): Promise<void>;
}

/**
 * How to read a list.
 * @throws UsageError if neither the options nor the file name show the format.
 */
export function rowOptionsFor(file: string, { delimiter, map, empty, ...options }: ListOptions): RowOptions {
  const format = options.format ?? detectFormat(file);
  if (format !== undefined) return { format, delimiter, map, empty };
  throw new UsageError('--format: csv or ndjson? The file name does not show it');
}

/**
 * @param file `-` for the standard input.
 * @throws UsageError if it cannot be read.
 */
export async function openSource(file: string, stdin: Readable, signal: AbortSignal): Promise<Source> {
  const openedAt = Date.now();
  if (file === '-') return fileSource(await copyToFile(stdin, signal), openedAt);
  const refuse = (error: unknown): never => {
    throw new UsageError(`${file} cannot be read (${reasonOf(error)})`);
  };
  const stat = await statOf(file).catch(refuse);
  if (stat.isDirectory()) throw new UsageError(`${file}: is a directory`);
  if (stat.isFile()) return fileSource(await open(file, 'r').catch(refuse), Math.floor(stat.mtimeMs));
  const stream = stat.isFIFO() ? openPipe(file) : createReadStream(file);
  return fileSource(await copyToFile(stream, signal), openedAt);
}

/** The added rows must be the validated ones. @throws if the file has changed. */
export async function refuseChanged(source: Source): Promise<void> {
  if (await source.hasChanged()) throw new Error('the file was changed meanwhile: run the command again');
}

/**
 * When the list was made, in epoch milliseconds: `--as-of`, else the file's time. A clock that is ahead must not make it newer than later
 * events.
 * @throws UsageError for a time that no job may have, as in some archives.
 */
export function listTime({ writtenAt }: Pick<Source, 'writtenAt'>, asOf: number | undefined): number {
  const now = Date.now();
  const lastSeenAt = Math.min(asOf ?? writtenAt, now);
  const fault = timeFault(lastSeenAt, now);
  if (fault === undefined) return lastSeenAt;
  if (asOf !== undefined) throw new UsageError(`--as-of: ${fault}`);
  throw new UsageError(
    `the time at which the file was written ${fault}: give the time it was made with --as-of`,
  );
}

async function fileSource(handle: FileHandle, writtenAt: number): Promise<Source> {
  const unreadable = (error: unknown): never => {
    throw new FileError('the file cannot be read', error);
  };
  const { size, mtimeMs } = await handle.stat();
  return {
    writtenAt,
    sizeBytes: size,
    async *bytes() {
      try {
        yield* handle.createReadStream({ start: 0, autoClose: false }) as AsyncIterable<Buffer>;
      } catch (error) {
        unreadable(error);
      }
    },
    async hasChanged() {
      const stat = await handle.stat().catch(unreadable);
      return stat.size !== size || stat.mtimeMs !== mtimeMs;
    },
    close: () => handle.close(),
  };
}

/** Opening a pipe without a writer blocks a thread until one appears, and the process could not end. */
function openPipe(file: string): Readable {
  return new Socket({ fd: openSync(file, constants.O_RDONLY | constants.O_NONBLOCK), writable: false });
}

async function copyToFile(stream: Readable, signal: AbortSignal): Promise<FileHandle> {
  const directory = tmpdir();
  const handle = await openUnnamed(directory).catch((error: unknown) => {
    throw new UsageError(
      `${directory} is needed for a copy of the input but cannot be written (${reasonOf(error)}): ` +
        'set TMPDIR to a directory with room for it',
    );
  });
  try {
    for await (const piece of readPieces(stream, signal)) {
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

async function* readPieces(stream: Readable, signal: AbortSignal): AsyncGenerator<Buffer> {
  try {
    for await (const piece of addAbortSignal(signal, stream)) yield Buffer.from(piece);
  } catch (error) {
    throw signal.aborted ? signal.reason : new FileError('the input cannot be read', error);
  }
}

/** A new file without a name: it vanishes with this process, even after a crash. */
async function openUnnamed(directory: string): Promise<FileHandle> {
  const own = await mkdtemp(join(directory, 'damoov-users-'));
  try {
    return await open(join(own, 'import'), 'wx+', 0o600);
  } finally {
    await rm(own, { recursive: true });
  }
}
