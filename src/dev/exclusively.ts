/**
 * Runs a piece of work in one process of this machine at a time.
 */
import { randomUUID } from 'node:crypto';
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

/** Runs the work while this process holds the lock file `path`; the lock of a dead process is taken over. */
export async function exclusively<T>(path: string, work: () => Promise<T>): Promise<T> {
  const mine = `${path}.${randomUUID()}`;
  await writeFile(mine, String(process.pid));
  try {
    while (!(await claim(path, mine))) await sleep(20);
    try {
      return await work();
    } finally {
      await rm(path, { force: true });
    }
  } finally {
    await rm(mine, { force: true });
  }
}

/** A hard link is created atomically: no reader sees an empty lock. */
async function claim(path: string, mine: string): Promise<boolean> {
  if (await succeeds(link(mine, path))) return true;
  const owner = await readFile(path, 'utf8').catch(() => undefined);
  if (owner !== undefined && !isAlive(Number(owner))) await clear(path, owner, `${mine}.stale`);
  return false;
}

/** A rename lets one of several waiters remove a dead owner's lock; a renewed lock is restored. */
async function clear(path: string, deadOwner: string, aside: string): Promise<void> {
  if (!(await succeeds(rename(path, aside)))) return;
  if ((await readFile(aside, 'utf8')) !== deadOwner) await succeeds(link(aside, path));
  await rm(aside);
}

/** False if another process was faster. */
async function succeeds(step: Promise<void>): Promise<boolean> {
  try {
    await step;
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && ['EEXIST', 'ENOENT'].includes(String(error.code)))
      return false;
    throw error;
  }
}

/** Whether a process with this id runs, ours or not. */
export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
