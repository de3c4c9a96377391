/**
 * Finds the processes whose working directory is inside a directory. Process groups are not enough: our Redis has its own, and a
 * mutant that breaks a clean-up leaves orphans. Only Linux can tell; on other systems none is found.
 */
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { sep } from 'node:path';
import { setTimeout } from 'node:timers/promises';

export interface FoundProcess {
  pid: number;
  parent: number;
}

export function processesIn(dir: string): FoundProcess[] {
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const cwd = readlinkSync(`/proc/${name}/cwd`);
        if (cwd !== dir && !cwd.startsWith(dir + sep)) return [];
        const parent = /^PPid:\s*(\d+)$/m.exec(readFileSync(`/proc/${name}/status`, 'utf8'))?.[1];
        return [{ pid: Number(name), parent: Number(parent) }];
      } catch {
        return []; // another user's, or gone by now
      }
    });
}

export function killAll(pids: readonly number[]): void {
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // gone by now
    }
  }
}

/** Kills the processes in a directory, and resolves when they are gone. */
export async function noneLeftIn(dir: string): Promise<void> {
  for (let left = processesIn(dir); left.length > 0; left = processesIn(dir)) {
    killAll(left.map(({ pid }) => pid));
    await setTimeout(10);
  }
}
