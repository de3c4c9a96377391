/**
 * The file that `--report` names. Nothing is written into a file that somebody else wrote, nor into the list itself, by whatever
 * path it is reached; and a run that ends before its first write leaves everything as it was.
 */
import type { BigIntStats } from 'node:fs';
import { type FileHandle, open, rm, stat } from 'node:fs/promises';
import { FileError, reasonOf } from './file-error.ts';
import { UsageError } from '../shared/usage-error.ts';

export interface ReportFile {
  /** What is in it, in bytes; 0 of what is no file, such as a pipe. */
  readonly sizeBytes: number;
  /** What is in it when it is opened. */
  bytes(): AsyncIterable<Buffer>;
  /** Drops what is behind the first so many bytes. */
  truncate(sizeBytes: number): Promise<void>;
  append(text: string): Promise<void>;
  /** It is a report, also with nothing in it. */
  keep(): void;
  /** Takes a new file away again that is not kept, and that nothing was written into. */
  close(): Promise<void>;
}

/**
 * Opens the file or makes it, readable by its owner alone, and writes nothing yet.
 * @param list the file that the command reads, as {@link identityOf} tells.
 * @throws UsageError where it cannot be written, or is the list.
 */
export async function openReportFile(path: string, list: string | undefined): Promise<ReportFile> {
  const { handle, isNew } = await openOrMake(path).catch((error: unknown) => {
    throw new UsageError(`--report: ${path} cannot be written (${reasonOf(error)})`);
  });
  try {
    const found = await handle.stat({ bigint: true });
    if (list !== undefined && identityOf(found) === list) {
      throw new UsageError(`--report: ${path} is the list itself: name another file`);
    }
    return reportFile(handle, path, { isNew, isFile: found.isFile(), sizeBytes: Number(found.size) });
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** The same for one file, whatever path leads to it; undefined of what is no file. */
export function identityOf(found: BigIntStats): string | undefined {
  return found.isFile() ? `${found.dev}:${found.ino}` : undefined;
}

async function openOrMake(path: string): Promise<{ handle: FileHandle; isNew: boolean }> {
  try {
    return { handle: await open(path, 'ax+', 0o600), isNew: true };
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  }
  // A pipe has only one direction.
  const isFile = await stat(path).then(
    (found) => found.isFile(),
    () => true,
  );
  return { handle: await open(path, isFile ? 'a+' : 'a', 0o600), isNew: false };
}

interface Opened {
  isNew: boolean;
  isFile: boolean;
  sizeBytes: number;
}

function reportFile(handle: FileHandle, path: string, { isNew, isFile, ...opened }: Opened): ReportFile {
  const unwritable = (error: unknown) => {
    throw new FileError(`--report: ${path} cannot be written`, error);
  };
  const sizeBytes = isFile ? opened.sizeBytes : 0;
  let isKept = !isNew;
  return {
    sizeBytes,
    async *bytes() {
      if (sizeBytes === 0) return;
      const options = { start: 0, end: sizeBytes - 1, autoClose: false };
      try {
        yield* handle.createReadStream(options) as AsyncIterable<Buffer>;
      } catch (error) {
        throw new FileError(`--report: ${path} cannot be read`, error);
      }
    },
    truncate: async (size) => {
      if (isFile && size < sizeBytes) await handle.truncate(size).catch(unwritable);
    },
    async append(text) {
      await handle.appendFile(text).catch(unwritable);
      isKept = true;
    },
    keep() {
      isKept = true;
    },
    async close() {
      await handle.close().catch(unwritable);
      if (!isKept) await rm(path, { force: true }).catch(unwritable);
    },
  };
}
