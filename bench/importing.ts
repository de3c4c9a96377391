/**
 * The benchmark of an import: a list of sign-ups by `damoov-users import`, against a client that adds the same jobs with `addBulk`.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MAIN, prepareEnvironment, workerEnv } from './environment.ts';
import { type Figure, type Section, overRounds } from './figures.ts';
import type { PartOptions } from './part.ts';
import { endedChildrenCpu } from './process-usage.ts';
import { column, inTurns, ratiosOf, roundsFor } from './rounds.ts';
import { type Subject, addSignUps, openSubject, signUpOf } from './subject.ts';
import { cpuSecondsOf } from './weight.ts';

const ROWS = 100_000;
const QUICK_ROWS = 20_000;

interface Added {
  perSecond: number;
  /** Of the process that adds, its start included, and of Redis, in microseconds a row. */
  clientCpuUs: number;
  redisCpuUs: number;
}

export async function importing(options: PartOptions): Promise<Section[]> {
  const rows = Math.min(options.jobs, options.isQuick ? QUICK_ROWS : ROWS);
  const environment = await prepareEnvironment();
  const file = join(tmpdir(), `bench-import-${process.pid}.csv`);
  try {
    const sandbox = await environment.startSandbox();
    const subject = await openSubject(environment, 'import');
    await writeFile(file, listOf(rows));
    const env = workerEnv(subject.redisUrl, sandbox);
    const sides = [() => importFile(file, rows, env), () => addInBulk(subject, rows)];
    options.onProgress(`adding ${rows} rows a round`);
    try {
      const rounds = await inTurns(roundsFor(options), sides, async (add) => {
        options.signal?.throwIfAborted();
        return measure(subject, rows, add);
      });
      return [sectionOf(rows, rounds)];
    } finally {
      await subject.close();
    }
  } finally {
    await rm(file, { force: true });
    await environment.close();
  }
}

function listOf(rows: number): string {
  const lines = Array.from({ length: rows }, (_, row) => {
    const { clientId, profile } = signUpOf(row);
    return `${clientId},${profile.firstName},${profile.lastName},${profile.email},${profile.phone}`;
  });
  return ['clientId,firstName,lastName,email,phone', ...lines].join('\n');
}

/** @param add answers the CPU time of the process that adds, in seconds. */
async function measure(subject: Subject, rows: number, add: () => Promise<number>): Promise<Added> {
  const redisBefore = await cpuSecondsOf(subject.redis);
  const startedAt = performance.now();
  const clientCpuS = await add();
  const seconds = (performance.now() - startedAt) / 1000;
  const redisCpuS = (await cpuSecondsOf(subject.redis)) - redisBefore;
  const waiting = await subject.jobs.getJobCountByTypes('waiting', 'prioritized');
  if (waiting !== rows) throw new Error(`${waiting} of ${rows} rows were added`);
  await subject.redis.flushall();
  return {
    perSecond: rows / seconds,
    clientCpuUs: (clientCpuS * 1e6) / rows,
    redisCpuUs: (redisCpuS * 1e6) / rows,
  };
}

async function importFile(file: string, rows: number, env: Record<string, string>): Promise<number> {
  const before = await endedChildrenCpu();
  // No worker takes anything: all rows wait.
  const command = [MAIN, 'import', file, '--max-waiting', String(rows + 1)];
  const child = spawn(process.execPath, command, {
    env: { PATH: process.env['PATH'], ...env },
    stdio: 'ignore',
  });
  await once(child, 'exit');
  if (child.exitCode !== 0) throw new Error(`the import ended with ${child.exitCode}`);
  return (await endedChildrenCpu()) - before;
}

async function addInBulk(subject: Subject, rows: number): Promise<number> {
  const before = process.cpuUsage();
  await addSignUps(subject, rows);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

function sectionOf(rows: number, rounds: Added[][]): Section {
  const three = (name: string, what: string, unit: Figure['unit'], of: (added: Added) => number) => [
    overRounds({ name: `${name}Import`, what: `${what}, the import`, unit }, column(rounds, 0, of)),
    overRounds({ name: `${name}Bulk`, what: `${what}, addBulk alone`, unit }, column(rounds, 1, of)),
    overRounds(
      { name: `${name}Ratio`, what: `${what}: the import to addBulk`, unit: 'x' },
      ratiosOf(rounds, { of: 0, to: 1 }, of),
    ),
  ];
  return {
    title: `A list of ${rows.toLocaleString('en')} sign-ups`,
    figures: [
      ...three('perSecond', 'rows a second', '/s', ({ perSecond }) => perSecond),
      ...three('clientCpu', 'CPU of the client, a row', 'us', ({ clientCpuUs }) => clientCpuUs),
      ...three('redisCpu', 'CPU of Redis, a row', 'us', ({ redisCpuUs }) => redisCpuUs),
    ],
  };
}
