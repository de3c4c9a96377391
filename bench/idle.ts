/**
 * The benchmark of workers with nothing to do: what they cost themselves and Redis, against bare workers and a Redis alone.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { callsIn, commandsBetween, commandsOf } from './commands.ts';
import { BARE, OURS, prepareEnvironment } from './environment.ts';
import { type Figure, type Section, overRounds } from './figures.ts';
import type { PartOptions } from './part.ts';
import { cpuOf } from './process-usage.ts';
import { column, inTurns, roundsFor } from './rounds.ts';
import { type Subject, drain, openSubject } from './subject.ts';
import { cpuSecondsOf } from './weight.ts';

const SECONDS = 30;
const QUICK_SECONDS = 5;
/** Enough jobs that everything that runs in the background has started. */
const FIRST = { count: 50, warmUp: 1 };
/** A larger fleet is a multiple of one worker: none waits for another. */
const FLEET = 50;

interface Idle {
  /** Of one worker, in a minute. */
  commands: number;
  workerCpuMs: number;
  redisCpuMs: number;
}

export async function idle(options: PartOptions): Promise<Section[]> {
  const environment = await prepareEnvironment();
  try {
    const sandbox = await environment.startSandbox();
    const [ours, bare] = [await openSubject(environment, 'ours'), await openSubject(environment, 'bare')];
    const sides = [ours, bare, await openSubject(environment, 'alone')];
    try {
      for (const [subject, program] of [
        [ours, OURS],
        [bare, BARE],
      ] as const) {
        subject.pids.push(environment.spawnWorker(program, subject.redisUrl, sandbox).pid);
        await drain(subject, { ...FIRST, signal: options.signal });
      }
      const seconds = options.isQuick ? QUICK_SECONDS : SECONDS;
      options.onProgress(`${seconds} s a round with nothing to do`);
      const rounds = await inTurns(roundsFor(options), sides, (side) => rest(side, seconds));
      return [sectionOf(rounds)];
    } finally {
      await Promise.all(sides.map((side) => side.close()));
    }
  } finally {
    await environment.close();
  }
}

async function rest(subject: Subject, seconds: number): Promise<Idle> {
  const before = await momentOf(subject);
  await sleep(seconds * 1000);
  const after = await momentOf(subject);
  const minutes = seconds / 60;
  // The counting itself takes two commands.
  const own = new Map([['info', 2]]);
  const commands = commandsBetween(before.commands, after.commands, { own, jobs: 1 });
  return {
    commands: callsIn(commands) / minutes,
    workerCpuMs: ((after.workerCpu - before.workerCpu) * 1000) / minutes,
    redisCpuMs: ((after.redisCpu - before.redisCpu) * 1000) / minutes,
  };
}

async function momentOf({ redis, pids }: Subject) {
  const [cpus, redisCpu, commands] = [
    await Promise.all(pids.map(cpuOf)),
    await cpuSecondsOf(redis),
    await commandsOf(redis),
  ];
  return { workerCpu: cpus.reduce((a, b) => a + b, 0), redisCpu, commands };
}

function sectionOf(rounds: Idle[][]): Section {
  const both = (name: string, what: string, unit: Figure['unit'], of: (idle: Idle) => number) => [
    overRounds({ name: `${name}Ours`, what: `${what}, ours`, unit }, column(rounds, 0, of)),
    overRounds({ name: `${name}Bare`, what: `${what}, the bare worker`, unit }, column(rounds, 1, of)),
  ];
  return {
    title: 'A worker with nothing to do, a minute',
    figures: [
      ...both(
        'commands',
        'commands of Redis, those in scripts included',
        'calls',
        ({ commands }) => commands,
      ),
      ...both('workerCpu', 'CPU of the worker', 'ms', ({ workerCpuMs }) => workerCpuMs),
      ...both('redisCpu', 'CPU of Redis', 'ms', ({ redisCpuMs }) => redisCpuMs),
      overRounds(
        { name: 'redisCpuAlone', what: 'CPU of Redis without a worker', unit: 'ms' },
        column(rounds, 2, ({ redisCpuMs }) => redisCpuMs),
      ),
      overRounds(
        { name: 'fleet', what: `cores of Redis that ${FLEET} of ours take`, unit: 'cores' },
        rounds.map(([ours, , alone]) => {
          const added = (ours?.redisCpuMs ?? Number.NaN) - (alone?.redisCpuMs ?? Number.NaN);
          return (FLEET * added) / 60_000;
        }),
      ),
    ],
  };
}
