/**
 * The benchmark of a worker's start and memory, against a bare worker: until its first job is done, at rest, and with 500 jobs in
 * flight. Each round starts new processes.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { answersAfter, slowDown } from './damoov.ts';
import { type Figure, type Section, overRounds } from './figures.ts';
import { type Environment, buildWorkers, prepareEnvironment } from './environment.ts';
import { type Subject, addSignUps, drain, openSubject, sizeOf } from './subject.ts';
import type { PartOptions } from './part.ts';
import { residentOf } from './process-usage.ts';
import { column, inTurns, ratiosOf, roundsFor } from './rounds.ts';

const CONCURRENCY = 500;
const LATENCY_MS = 100;
const JOBS = 8000;
const QUICK_JOBS = 500;
/** What starting has left behind is over by then, in milliseconds. */
const REST_MS = 700;
const LOOK_MS = 5;
const PATIENCE_MS = 60_000;

interface Measured {
  startMs: number;
  restBytes: number;
  busyBytes: number;
}

export async function memory(options: PartOptions): Promise<Section[]> {
  const environment = await prepareEnvironment();
  try {
    const sandbox = await environment.startSandbox();
    const { ours, bare } = await buildWorkers();
    const sides = [
      { program: ours, subject: await openSubject(environment, 'ours') },
      { program: bare, subject: await openSubject(environment, 'bare') },
    ];
    try {
      options.onProgress(`starting workers, with ${CONCURRENCY} jobs in flight`);
      const rounds = await inTurns(roundsFor(options), sides, (side) =>
        measure(side, { environment, sandbox, options }),
      );
      return [compared(rounds)];
    } finally {
      await Promise.all(sides.map(({ subject }) => subject.close()));
    }
  } finally {
    await environment.close();
  }
}

async function measure(
  { program, subject }: { program: readonly string[]; subject: Subject },
  { environment, sandbox, options }: { environment: Environment; sandbox: string; options: PartOptions },
): Promise<Measured> {
  await slowDown(sandbox, 0);
  await addSignUps(subject, 1);
  const startedAt = performance.now();
  const worker = environment.spawnWorker(program, subject.redisUrl, sandbox, {
    WORKER_CONCURRENCY: String(CONCURRENCY),
  });
  try {
    await untilCompleted(subject);
    const startMs = performance.now() - startedAt;
    await sleep(REST_MS);
    const restBytes = await residentOf(worker.pid);
    await subject.redis.flushall();
    await slowDown(sandbox, LATENCY_MS);
    await drain(subject, sizeOf(options.isQuick ? QUICK_JOBS : JOBS, options));
    return { startMs, restBytes, busyBytes: await residentOf(worker.pid, 'peak') };
  } finally {
    await worker.end();
    await subject.redis.flushall();
  }
}

async function untilCompleted({ jobs }: Subject): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while ((await jobs.getCompletedCount()) === 0) {
    if (performance.now() > deadline) throw new Error('a worker has not done its first job');
    await sleep(LOOK_MS);
  }
}

function compared(rounds: Measured[][]): Section {
  const three = (key: string, what: string, unit: Figure['unit'], of: (measured: Measured) => number) => [
    overRounds({ name: `${key}Ours`, what: `${what}, ours`, unit }, column(rounds, 0, of)),
    overRounds({ name: `${key}Bare`, what: `${what}, the bare worker`, unit }, column(rounds, 1, of)),
    overRounds(
      { name: `${key}Ratio`, what: `${what}: ours to the bare worker's`, unit: 'x' },
      ratiosOf(rounds, { of: 0, to: 1 }, of),
    ),
  ];
  return {
    title: `A worker, ${answersAfter(LATENCY_MS)} where many jobs are in flight`,
    figures: [
      ...three('start', 'from its start to its first job done', 'ms', ({ startMs }) => startMs),
      ...three('rest', 'memory at rest', 'MB', ({ restBytes }) => restBytes / 1e6),
      ...three(
        'busy',
        `memory at its peak, ${CONCURRENCY} in flight`,
        'MB',
        ({ busyBytes }) => busyBytes / 1e6,
      ),
    ],
  };
}
