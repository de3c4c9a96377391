/**
 * The benchmark of the queue against the official way without one: one request after another, one user at a time, as the vendor's
 * Python SDK is used. It is spared that SDK's new connection for every request.
 */
import { answersAfter, createUser, slowDown } from './damoov.ts';
import { type Section, overRounds } from './figures.ts';
import { OURS, accessTo, prepareEnvironment } from './environment.ts';
import { WARM_UP, drain, openSubject, signUpOf, sizeOf } from './subject.ts';
import type { PartOptions } from './part.ts';
import { column, inTurns, ratiosOf, roundsFor } from './rounds.ts';

const LATENCY_MS = 100;
const CONCURRENCY = 50;
/** What the least of latencies allows with so many in flight. */
const LIMIT_PER_S = (CONCURRENCY * 1000) / LATENCY_MS;
const JOBS = 4000;
const QUICK_JOBS = 750;
/** A tenth of a second each: more only take longer. */
const ONE_BY_ONE = 12;

interface Speed {
  perSecond: number;
  cpuUs: number;
}

export async function sequential(options: PartOptions): Promise<Section[]> {
  const environment = await prepareEnvironment();
  try {
    const sandbox = await environment.startSandbox();
    const subject = await openSubject(environment, 'ours');
    try {
      const env = { WORKER_CONCURRENCY: String(CONCURRENCY) };
      subject.pids.push(environment.spawnWorker(OURS, subject.redisUrl, sandbox, env).pid);
      options.onProgress('warming up');
      await drain(subject, sizeOf(2 * WARM_UP, options));
      await oneByOne(sandbox);
      const size = sizeOf(options.isQuick ? QUICK_JOBS : JOBS, options);
      options.onProgress(`${size.count} jobs a round beside ${ONE_BY_ONE} one by one`);
      const queued = async (): Promise<Speed> => {
        const { perSecond, workerCpuUs } = await drain(subject, size);
        return { perSecond, cpuUs: workerCpuUs };
      };
      const rounds = await inTurns(roundsFor(options), [queued, () => oneByOne(sandbox)], async (side) => {
        await slowDown(sandbox, LATENCY_MS);
        return side();
      });
      return [compared(rounds)];
    } finally {
      await subject.close();
    }
  } finally {
    await environment.close();
  }
}

async function oneByOne(sandbox: string): Promise<Speed> {
  const access = accessTo(sandbox);
  const cpuBefore = process.cpuUsage();
  const startedAt = performance.now();
  for (let index = 0; index < ONE_BY_ONE; index++) await createUser(access, signUpOf(index));
  const seconds = (performance.now() - startedAt) / 1000;
  const { user, system } = process.cpuUsage(cpuBefore);
  return { perSecond: ONE_BY_ONE / seconds, cpuUs: (user + system) / ONE_BY_ONE };
}

function compared(rounds: Speed[][]): Section {
  const perSecond = (speed: Speed) => speed.perSecond;
  const cpuUs = (speed: Speed) => speed.cpuUs;
  return {
    title: `Against one request after another, ${answersAfter(LATENCY_MS)}`,
    figures: [
      overRounds(
        { name: 'queuedPerSecond', what: `users a second, ${CONCURRENCY} in flight`, unit: '/s' },
        column(rounds, 0, perSecond),
      ),
      overRounds(
        { name: 'oneByOnePerSecond', what: 'users a second, one by one', unit: '/s' },
        column(rounds, 1, perSecond),
      ),
      overRounds(
        {
          name: 'speedUp',
          what: 'ours to one by one',
          unit: 'x',
          goal: 45,
          goalIs: 'at least',
        },
        ratiosOf(rounds, { of: 0, to: 1 }, perSecond),
      ),
      overRounds(
        {
          name: 'ofLimit',
          what: `ours to the physical limit, ${LIMIT_PER_S} a second`,
          unit: 'x',
          goal: 0.95,
          goalIs: 'at least',
        },
        column(rounds, 0, perSecond).map((value) => value / LIMIT_PER_S),
      ),
      overRounds(
        { name: 'queuedCpu', what: 'CPU of the worker, a job', unit: 'us' },
        column(rounds, 0, cpuUs),
      ),
      overRounds(
        { name: 'oneByOneCpu', what: 'CPU of the caller, one by one, a user', unit: 'us' },
        column(rounds, 1, cpuUs),
      ),
    ],
  };
}
