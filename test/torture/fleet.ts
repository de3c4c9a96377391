/**
 * Keeps a number of worker processes alive while they are killed and frozen. It knows signals, no jobs.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { COMPILE_CACHE } from '../support/compile-cache.ts';
import type { Random } from './random.ts';

/** How long a job stays with a worker that is dead or frozen: short, and long enough for two busy cores. */
export const LOCK_MS = 1000;

export interface Fleet {
  /** Kills a worker that is at work and starts another in its place. */
  kill(): Promise<void>;
  /** Freezes a worker for longer than its lock lasts; false where none is at work. */
  freeze(): boolean;
  /** Workers that ended by themselves, which none ever should. */
  readonly crashes: readonly string[];
  /** Ends every worker, and returns when all are gone. */
  close(): Promise<void>;
}

interface Member {
  readonly child: ChildProcess;
  readonly exited: Promise<unknown>;
  /** Whether it came to work before it ended. */
  readonly ready: Promise<boolean>;
  isReady: boolean;
  isMeantToEnd: boolean;
  thaw?: NodeJS.Timeout;
}

/**
 * Starts so many workers and returns when all of them work.
 * @param logDir where each worker's log goes, a file each.
 */
export async function startFleet(
  size: number,
  env: Record<string, string>,
  logDir: string,
  random: Random,
): Promise<Fleet> {
  const members = new Set<Member>();
  const crashes: string[] = [];
  let isClosed = false;
  let started = 0;

  function start(): Member {
    started += 1;
    const log = openSync(join(logDir, `worker-${started}.log`), 'w');
    const child = fork(join(import.meta.dirname, 'worker-main.ts'), {
      env: { PATH: process.env['PATH'], ...COMPILE_CACHE, ...env },
      execArgv: [],
      stdio: ['ignore', 'inherit', log, 'ipc'],
    });
    closeSync(log);
    const exited = once(child, 'exit');
    const ready = Promise.race([once(child, 'message').then(() => true), exited.then(() => false)]);
    const member: Member = { child, exited, ready, isReady: false, isMeantToEnd: false };
    child.once('message', () => (member.isReady = true));
    child.once('exit', (status, signal) => {
      clearTimeout(member.thaw);
      members.delete(member);
      if (member.isMeantToEnd) return;
      crashes.push(`worker ${child.pid} ended by itself (${signal ?? status})`);
      if (!isClosed) start();
    });
    members.add(member);
    return member;
  }

  async function end(member: Member): Promise<void> {
    member.isMeantToEnd = true;
    member.child.kill('SIGKILL');
    await member.exited;
  }

  const atWork = () => [...members].filter(({ isReady, thaw }) => isReady && thaw === undefined);

  async function close(): Promise<void> {
    isClosed = true;
    await Promise.all([...members].map(end));
  }

  const first = Array.from({ length: size }, start);
  const areReady = await Promise.all(first.map(({ ready }) => ready));
  if (areReady.includes(false)) {
    await close();
    throw new Error(`the workers do not start: ${crashes.join(', ')} (see ${logDir})`);
  }

  return {
    crashes,
    async kill() {
      const victim = random.pick(atWork()) ?? random.pick([...members]);
      if (victim === undefined) return;
      await end(victim);
      if (!isClosed) start();
    },
    freeze() {
      const victim = random.pick(atWork());
      if (victim === undefined) return false;
      victim.child.kill('SIGSTOP');
      const frozenMs = LOCK_MS * (1.5 + random.next());
      victim.thaw = setTimeout(() => {
        victim.child.kill('SIGCONT');
        delete victim.thaw;
      }, frozenMs);
      return true;
    },
    close,
  };
}
