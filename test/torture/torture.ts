/**
 * The torture run: a load of jobs, a fleet of workers, and everything that can go wrong at once. Afterwards it compares
 * what is with what must be.
 */
import { viewSandbox } from '../model/sandbox-view.ts';
import { startCollector } from './collector.ts';
import { deedsAgainst } from './deeds.ts';
import { startFleet } from './fleet.ts';
import { EVENTS_QUEUES, PREFIX, prepareEnvironment } from './environment.ts';
import { whatIsLeft } from './left-behind.ts';
import { makeLoad } from './load.ts';
import { startMovers } from './movers.ts';
import { logIn } from './login.ts';
import { startProducer } from './producer.ts';
import { isCarriedOut, describeStuck } from './progress.ts';
import { seeded } from './random.ts';
import { planFaults, strike } from './schedule.ts';
import type { RedisKind } from './torture-redis.ts';
import { type End, type Verdict, judge, sandboxFaults, story } from './verdict.ts';

export interface TortureOptions {
  readonly jobs: number;
  readonly seed: number;
  readonly workers: number;
  readonly kills: number;
  readonly redisKills: number;
  /** Default `single`. Of several servers it is the master that is killed. */
  readonly redis?: RedisKind;
  /** Called with the number of settled jobs whenever it changes. */
  readonly onProgress?: (settled: number) => void;
  /** Cuts the run off: it ends what it has started, and rejects. */
  readonly signal?: AbortSignal;
}

export interface TortureReport {
  /** What was done to them, and how often. */
  readonly injected: Readonly<Record<string, number>>;
  /** What came of it. */
  readonly counted: Readonly<Record<string, number>>;
  /** What differs, under what must hold. */
  readonly verdict: Verdict;
  /** The first few affected users, with all known details. */
  readonly stories: readonly string[];
  readonly isClean: boolean;
  readonly durationMs: number;
  /** The workers' logs; kept where there are differences. */
  readonly logDir: string;
}

/** Look-ups lag behind by less than the workers allow for. */
const SANDBOX_FAULTS = { commitThenDropRate: 0.05, errorRate: 0.1, dropRate: 0.05, findLagMs: 50 };

const MOST_STORIES = 5;

export async function torture(options: TortureOptions): Promise<TortureReport> {
  const startedAt = performance.now();
  const { jobs, seed, workers, kills, redisKills, signal } = options;
  const random = seeded(seed);
  const load = makeLoad(jobs, random);
  const plan = planFaults(
    {
      'worker kill': kills,
      'worker freeze': Math.ceil(kills / 3),
      'redis kill': redisKills,
      'reply lost': kills,
    },
    random,
  );
  const environment = await prepareEnvironment(options.redis ?? 'single');
  const closing: (() => unknown)[] = [];
  let isClean = false;
  try {
    const { redis, sandboxUrl, logDir, workerEnv } = environment;
    await logIn(redis.target, workerEnv);
    await environment.setModes({ ...SANDBOX_FAULTS, seed, latencyMs: [1, 10], loginLimit: null });
    const collector = await startCollector(redis.target, PREFIX, EVENTS_QUEUES);
    closing.push(() => collector.close());
    const producer = startProducer({ forJobs: redis.exposed, forQuestions: redis.target }, PREFIX);
    closing.push(() => producer.close());
    const fleet = await startFleet(workers, workerEnv, logDir, random);
    closing.push(() => fleet.close());

    const { deeds, injected } = deedsAgainst(environment, fleet, random);
    const movers = startMovers(sandboxUrl, load, random);
    closing.push(() => movers.stop());
    const share = async (ofJobs: number) => collector.reaches(Math.floor(ofJobs * jobs));
    const work = [strike(plan, share, deeds), producer.addAll(load, async (n) => collector.reaches(n))];
    const isDone = await isCarriedOut(work, jobs, collector, producer, options.onProgress, signal);
    const moved = await movers.stop();

    const end = { load, collector, view: await viewSandbox(sandboxUrl), left: await producer.leftOver() };
    const verdict = {
      'the work went on': isDone ? [] : [aboutNobody(await describeStuck(load, collector, producer))],
      'no worker crashed': fleet.crashes.map(aboutNobody),
      'no profile left behind': (await whatIsLeft(redis, PREFIX, logDir)).map(aboutNobody),
      ...judge(end),
    };
    isClean = Object.values(verdict).every(({ length }) => length === 0);
    return {
      injected: { ...injected, 'user moved': moved, ...sandboxFaults(end.view) },
      counted: count(end),
      verdict,
      stories: stories(verdict, end),
      isClean,
      durationMs: performance.now() - startedAt,
      logDir,
    };
  } finally {
    for (const step of closing.toReversed()) await step();
    await environment.close(!isClean);
  }
}

function aboutNobody(what: string) {
  return { clientId: '', what };
}

function count({ collector, view }: End): Record<string, number> {
  return {
    'jobs settled': collector.settled,
    'events published': collector.published / EVENTS_QUEUES.length,
    'requests made': view.log.length,
    'users alive': view.users.filter(({ deletedAt }) => deletedAt === null).length,
  };
}

function stories(verdict: Verdict, end: End): string[] {
  const findings = Object.values(verdict).flat();
  const users = new Set(findings.map(({ clientId }) => clientId).filter((clientId) => clientId !== ''));
  return [...users].slice(0, MOST_STORIES).map((user) => story(user, end).join('\n'));
}
