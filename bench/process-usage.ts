/**
 * What Linux tells of a process in /proc: its CPU time and its memory; and how busy the machine is, whoever keeps it so.
 */
import { readFile } from 'node:fs/promises';
import { cpus } from 'node:os';

/** Linux counts CPU time in hundredths of a second, on every machine of today. */
const TICKS_PER_S = 100;

/** CPU time of a process since it started, in seconds. */
export async function cpuOf(pid: number): Promise<number> {
  // The name may hold blanks: what follows its bracket begins with the third field.
  const [, rest = ''] = /\) (.*)$/.exec((await readFile(`/proc/${pid}/stat`, 'utf8')).trim()) ?? [];
  const fields = rest.split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_S;
}

/** Resident memory in bytes: now, or at its peak. */
export async function residentOf(pid: number, when: 'now' | 'peak' = 'now'): Promise<number> {
  const name = when === 'now' ? 'VmRSS' : 'VmHWM';
  const [, kilobytes] =
    new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(await readFile(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes) * 1024;
}

/** CPU time that all cores have spent on anything, in seconds. */
export function machineCpu(): number {
  return cpus().reduce((sum, { times }) => sum + times.user + times.nice + times.sys + times.irq, 0) / 1000;
}
