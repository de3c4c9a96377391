/**
 * Lets one process of this machine at a time do a piece of work. It knows files and process ids, not what the work is.
 */
import { randomUUID } from 'node:crypto';
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';

/**
 * Runs the work while this process holds the file `path`; that of a dead process is taken over.
 * @param onWait is told once whom it has to wait for.
 */
export async function exclusively<T>(
  path: string,
  work: () => Promise<T>,
  onWait: (owner: string) => void,
): Promise<T> {
  const mine = `${path}.${randomUUID()}`;
  await writeFile(mine, String(process.pid));
  try {
    for (let isTold = false; !(await claim(path, mine)); isTold = true) {
      if (!isTold) onWait((await readIfThere(path)) ?? 'unknown');
      await wait(20); // a file system gives no portable signal for "this file is gone"
    }
    try {
      return await work();
    } finally {
      await rm(path, { force: true });
    }
  } finally {
    await rm(mine, { force: true });
  }
}

/** A hard link appears whole or not at all: nobody ever reads an empty lock. */
async function claim(path: string, mine: string): Promise<boolean> {
  try {
    await link(mine, path);
    return true;
  } catch (error) {
    if (!isErrno(error, 'EEXIST')) throw error;
  }
  const owner = await readIfThere(path);
  if (owner !== undefined && !isAlive(Number(owner))) await clear(path, owner, `${mine}.stale`);
  return false;
}

/** Renaming lets one of several waiters clear a dead owner's lock; a lock that was renewed meanwhile is put back. */
async function clear(path: string, deadOwner: string, aside: string): Promise<void> {
  try {
    await rename(path, aside);
    if ((await readIfThere(aside)) !== deadOwner) await link(aside, path);
    await rm(aside);
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error;
  }
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** Whether a process of this id runs, be it ours or not. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return !isErrno(error, 'ESRCH');
  }
}

function isErrno(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
