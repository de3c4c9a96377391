/**
 * The benchmark of long queues: whether the same number of jobs takes longer out of a great many, and the worker's memory with them.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Figure, type Section, overRounds } from './figures.ts';
import { type Environment, OURS, prepareEnvironment } from './environment.ts';
import { type Drained, type Subject, addSignUps, carryOut, openSubject, sizeOf } from './subject.ts';
import type { PartOptions } from './part.ts';
import { residentOf } from './process-usage.ts';
import { column, inTurns, ratiosOf, roundsFor } from './rounds.ts';

const BACKLOGS = [10_000, 100_000, 1_000_000];
const QUICK_BACKLOGS = [2000, 20_000];
/** Below the completed jobs that are kept, whose number shows the progress. */
const JOBS = 2000;
const QUICK_JOBS = 800;
const WARM_UP = 200;

/** A queue that is as long before each round. */
interface Queue extends Subject {
  readonly length: number;
  readonly pid: number;
  /** So many jobs were ever added: each is of another user. */
  added: number;
}

type Result = Drained & { bytes: number };

export async function backlog(options: PartOptions): Promise<Section[]> {
  const environment = await prepareEnvironment();
  const queues: Queue[] = [];
  try {
    const sandbox = await environment.startSandbox();
    const lengths = (options.isQuick ? QUICK_BACKLOGS : BACKLOGS).map((length, place) =>
      Math.min(length, options.jobs * 10 ** (place + 1)),
    );
    for (const length of lengths) {
      options.onProgress(`filling a queue with ${length.toLocaleString('en')} jobs`);
      queues.push(await fill(environment, sandbox, length));
    }
    const size = sizeOf(options.isQuick ? QUICK_JOBS : JOBS, options, WARM_UP);
    options.onProgress('warming up');
    for (const queue of queues) await takeOut(queue, size);
    options.onProgress(`${size.count} jobs a round`);
    return [compared(lengths, await inTurns(roundsFor(options), queues, (queue) => takeOut(queue, size)))];
  } finally {
    await Promise.all(queues.map((queue) => queue.close()));
    await environment.close();
  }
}

async function fill(environment: Environment, sandbox: string, length: number): Promise<Queue> {
  const subject = await openSubject(environment, `backlog-${length}`);
  await subject.jobs.pause();
  await addSignUps(subject, length);
  const { pid } = environment.spawnWorker(OURS, subject.redisUrl, sandbox);
  subject.pids.push(pid);
  return { ...subject, length, pid, added: length };
}

/** Carries some jobs out, forgets them, and adds as many. */
async function takeOut(queue: Queue, size: Parameters<typeof carryOut>[1]): Promise<Result> {
  const { jobs, length, pid } = queue;
  const drained = await carryOut(queue, size);
  await jobs.pause();
  while ((await jobs.getActiveCount()) > 0) await sleep(10);
  const bytes = await residentOf(pid);
  const done = length - (await jobs.getWaitingCount());
  await jobs.clean(0, 0, 'completed');
  await addSignUps(queue, done, queue.added);
  queue.added += done;
  return { ...drained, bytes };
}

function compared(lengths: readonly number[], rounds: Result[][]): Section {
  const figures = lengths.flatMap((length, place): Figure[] => {
    const among = `among ${length.toLocaleString('en')}`;
    const each = (key: string, what: string, unit: Figure['unit'], of: (result: Result) => number) =>
      overRounds(
        { name: `${key}Among${length}`, what: `${what}, ${among}`, unit },
        column(rounds, place, of),
      );
    const toFirst = (key: string, what: string, goal: Partial<Figure>, of: (result: Result) => number) =>
      overRounds(
        { name: `${key}RatioAmong${length}`, what: `${what}, ${among}: to the shortest`, unit: 'x', ...goal },
        ratiosOf(rounds, { of: place, to: 0 }, of),
      );
    const perSecond = (result: Result) => result.perSecond;
    const megabytes = (result: Result) => result.bytes / 1e6;
    return [
      each('perSecond', 'jobs a second', '/s', perSecond),
      ...(place === 0
        ? []
        : [toFirst('perSecond', 'jobs a second', { goal: 0.9, goalIs: 'at least' }, perSecond)]),
      each('workerCpu', 'CPU of the worker, a job', 'us', ({ workerCpuUs }) => workerCpuUs),
      each('redisCpu', 'CPU of Redis, a job', 'us', ({ redisCpuUs }) => redisCpuUs),
      each('resident', "the worker's memory", 'MB', megabytes),
      ...(place === 0 ? [] : [toFirst('resident', "the worker's memory", { goal: 1.1 }, megabytes)]),
    ];
  });
  return { title: 'The same number of jobs out of a longer queue', figures };
}
