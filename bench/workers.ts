/**
 * The benchmark of more worker processes at one queue. Says how busy the machine was, since on few cores that is what binds.
 */
import { cpus } from 'node:os';
import { answersAfter, slowDown } from './damoov.ts';
import { type Figure, type Section, overRounds } from './figures.ts';
import { OURS, prepareEnvironment } from './environment.ts';
import { type Drained, WARM_UP, drain, openSubject, sizeOf } from './subject.ts';
import type { PartOptions } from './part.ts';
import { column, inTurns, ratiosOf, roundsFor } from './rounds.ts';

const WORKERS = [1, 2, 4];
const LATENCIES_MS = [0, 20];
const JOBS = 5000;
const QUICK_JOBS = 700;

export async function workers(options: PartOptions): Promise<Section[]> {
  const environment = await prepareEnvironment();
  try {
    const sandbox = await environment.startSandbox();
    const subjects = await Promise.all(WORKERS.map(async (count) => openSubject(environment, `of-${count}`)));
    try {
      for (const [place, subject] of subjects.entries()) {
        for (let n = 0; n < (WORKERS[place] ?? 0); n++)
          subject.pids.push(environment.spawnWorker(OURS, subject.redisUrl, sandbox).pid);
      }
      options.onProgress('warming up');
      for (const subject of subjects) await drain(subject, sizeOf(WARM_UP * subject.pids.length, options));
      const sections: Section[] = [];
      for (const latencyMs of LATENCIES_MS) {
        const size = sizeOf(options.isQuick ? QUICK_JOBS : JOBS, options);
        options.onProgress(`${size.count} jobs a round, Damoov answers after ${latencyMs} ms`);
        const rounds = await inTurns(roundsFor(options), subjects, async (subject) => {
          await slowDown(sandbox, latencyMs);
          return drain(subject, size);
        });
        sections.push(compared(latencyMs, rounds));
      }
      return sections;
    } finally {
      await Promise.all(subjects.map((subject) => subject.close()));
    }
  } finally {
    await environment.close();
  }
}

function compared(latencyMs: number, rounds: Drained[][]): Section {
  const perSecond = (drained: Drained) => drained.perSecond;
  const figures = WORKERS.flatMap((count, place): Figure[] => {
    const who = count === 1 ? 'one worker' : `${count} workers`;
    const each = (key: string, what: string, unit: Figure['unit'], of: (drained: Drained) => number) =>
      overRounds(
        { name: `${key}Of${count}At${latencyMs}`, what: `${who}: ${what}`, unit },
        column(rounds, place, of),
      );
    return [
      each('perSecond', 'jobs a second', '/s', perSecond),
      ...(place === 0
        ? []
        : [
            overRounds(
              { name: `speedUpOf${count}At${latencyMs}`, what: `${who}: jobs a second, to one`, unit: 'x' },
              ratiosOf(rounds, { of: place, to: 0 }, perSecond),
            ),
          ]),
      each('workerCpu', 'CPU of the workers, a job', 'us', ({ workerCpuUs }) => workerCpuUs),
      each(
        'redisCores',
        'cores that Redis takes',
        'cores',
        (drained) => (drained.redisCpuUs * drained.perSecond) / 1e6,
      ),
      each('busyCores', `cores that are busy, of ${cpus().length}`, 'cores', ({ busyCores }) => busyCores),
    ];
  });
  return { title: `More workers, ${answersAfter(latencyMs)}`, figures };
}
