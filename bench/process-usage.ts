/**
 * What Linux tells of a process in /proc: its CPU time and its memory; and how busy the machine is, whoever keeps it so.
 */
import { readFile, readdir } from 'node:fs/promises';
import { cpus } from 'node:os';

/** Linux counts CPU time in hundredths of a second, on every machine of today. */
const TICKS_PER_S = 100;

/** CPU time of a process since it started, in seconds. */
export async function cpuOf(pid: number): Promise<number> {
  return (await timesOf(pid)).own;
}

/** CPU time of a process and all its children, those that have ended included. @param without a child that does not count. */
export async function cpuOfFamily(pid: number, without: number): Promise<number> {
  const { own, ended } = await timesOf(pid);
  const others = (await readdir('/proc')).filter((name) => /^\d+$/.test(name) && Number(name) !== without);
  // One that has ended meanwhile does not count.
  const all = await Promise.all(others.map(async (name) => timesOf(Number(name)).catch(() => undefined)));
  return all.reduce((sum, times) => sum + (times?.parent === pid ? times.own + times.ended : 0), own + ended);
}

/** CPU time of the children of this process that have ended, in seconds. */
export async function endedChildrenCpu(): Promise<number> {
  return (await timesOf(process.pid)).ended;
}

async function timesOf(pid: number): Promise<{ parent: number; own: number; ended: number }> {
  // The name may hold blanks: what follows its bracket begins with the third field.
  const [, rest = ''] = /\) (.*)$/.exec((await readFile(`/proc/${pid}/stat`, 'utf8')).trim()) ?? [];
  const fields = rest.split(' ').map(Number);
  const seconds = (user: number, system: number) =>
    ((fields[user] ?? Number.NaN) + (fields[system] ?? Number.NaN)) / TICKS_PER_S;
  return { parent: fields[1] ?? Number.NaN, own: seconds(11, 12), ended: seconds(13, 14) };
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
