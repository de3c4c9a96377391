/**
 * Races between deletions that come due and whoever cancels them, while the workers are killed, frozen and cut off. It draws
 * up what is to happen to each user, lets it happen, and compares the answers with what was sent.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Queue, QueueEvents } from 'bullmq';
import { type RedisTarget, connectRedis } from '../../src/redis/connection.ts';
import {
  type Cancellation,
  type DeletionOf,
  type Deletions,
  createDeletions,
} from '../../src/store/deletions/deletions.ts';
import { SANDBOX_CREDENTIALS } from '../../src/sandbox/server.ts';
import { viewSandbox } from '../model/sandbox-view.ts';
import { type Collector, startCollector } from './collector.ts';
import { deedsAgainst } from './deeds.ts';
import { LOCK_MS, startFleet } from './fleet.ts';
import { EVENTS_QUEUES, PREFIX, prepareEnvironment } from './environment.ts';
import { logIn } from './login.ts';
import { isCarriedOut } from './progress.ts';
import { type Random, seeded } from './random.ts';
import { planFaults, strike } from './schedule.ts';

export interface RaceOptions {
  readonly users: number;
  readonly seed: number;
  readonly kills: number;
  readonly redisKills: number;
}

export interface RaceReport {
  /** Users whose answer and outcome differ, with both. */
  readonly violations: readonly string[];
  readonly answers: Readonly<Record<Cancellation, number>>;
  readonly injected: Readonly<Record<string, number>>;
  readonly isDone: boolean;
}

interface Racer {
  readonly userId: string;
  /** What the deletion names, and what its cancellation names. */
  readonly request: DeletionOf;
  readonly cancelled: DeletionOf;
  /** Added by another BullMQ client, with an id that the queue counts. */
  readonly isByOthers: boolean;
  /** The user is suspended until it is due. */
  readonly suspends: boolean;
  readonly dueAt: number;
  /** Cancelled so many milliseconds after it is due. */
  readonly afterDueMs: number | undefined;
  /**
   * Time from the fetch by a worker to the cancellation, as a share of a recent job's duration, so that a busy machine has races as well.
   */
  readonly afterTaken: number;
  readonly callers: 1 | 2;
  jobId: string;
  readonly answers: Cancellation[];
}

/** How far apart deletions come due on average, in milliseconds: about as fast as the workers are. */
const PACE_MS = 5;
const AT_ONCE = 100;

export async function raceDeletions({ users, seed, kills, redisKills }: RaceOptions): Promise<RaceReport> {
  const random = seeded(seed);
  const environment = await prepareEnvironment('single');
  const closing: (() => unknown)[] = [];
  try {
    const { redis, sandboxUrl, workerEnv, logDir } = environment;
    await logIn(redis.target, workerEnv);
    await environment.setModes({ seed, latencyMs: [1, 10], loginLimit: null });
    const collector = await startCollector(redis.target, PREFIX, EVENTS_QUEUES);
    closing.push(() => collector.close());
    const queue = openQueue(redis.target, closing);
    const callers = [queue, openQueue(redis.target, closing)].map((jobs) =>
      createDeletions({ jobs, prefix: PREFIX }),
    );
    const fleet = await startFleet(2, { ...workerEnv, WORKER_CONCURRENCY: '20' }, logDir, random);
    closing.push(() => fleet.close());
    const drawn = drawRacers(users, random);
    await inBatches(drawn, ({ userId, request }) => signUp(sandboxUrl, userId, request.clientId ?? userId));
    await environment.setModes({ errorRate: 0.02, dropRate: 0.02 });
    // Only now, so that on a busy machine not all of them are due before they are added.
    const firstDueAt = Date.now() + 2000 + 5 * users;
    const racers = drawn.map((racer): Racer => ({ ...racer, dueAt: firstDueAt + racer.dueAt }));
    await inBatches(racers, async (racer) => void (racer.jobId = await add(racer, queue, callers)));

    const { deeds, injected } = deedsAgainst(environment, fleet, random);
    const plan = planFaults(
      {
        'worker kill': kills,
        'worker freeze': Math.ceil(kills / 3),
        'redis kill': redisKills,
        'reply lost': kills,
      },
      random,
    );
    const share = (of: number) => collector.reaches(Math.floor(of * users));
    const isOver = collector.reaches(users);
    const work = [strike(plan, share, deeds), cancelAll(racers, callers, redis.target, isOver, closing)];
    const leftOver = async () => queue.getJobCounts('waiting', 'active', 'delayed', 'prioritized');
    // Each is due at its time, and no sooner.
    const hurry = () => Promise.resolve();
    const isDone = await isCarriedOut(work, users, collector, { leftOver, hurry });
    const { users: there, log } = await viewSandbox(sandboxUrl);
    const active = new Set(
      there.filter(({ status }) => status === 'active').map(({ deviceToken }) => deviceToken),
    );
    const sent = new Map<string, 'sent' | 'applied'>();
    for (const { operation, deviceToken, applied } of log) {
      if (operation !== 'delete' || deviceToken === null) continue;
      const id = deviceToken.toLowerCase();
      sent.set(id, applied || sent.get(id) === 'applied' ? 'applied' : 'sent');
    }
    return {
      violations: racers.flatMap((racer) => wrong(racer, sent, active, collector)),
      answers: count(racers),
      injected,
      isDone,
    };
  } finally {
    for (const step of closing.toReversed()) await step();
    await environment.close(false);
  }
}

function openQueue(redis: RedisTarget, closing: (() => unknown)[]): Queue {
  const connection = connectRedis(redis);
  const queue = new Queue('user-jobs', { connection, prefix: PREFIX });
  queue.on('error', () => undefined);
  closing.push(() => connection.disconnect());
  return queue;
}

/** Some cancel long before and some long after, so that a busy machine has both. */
function afterDueMs(random: Random): number | undefined {
  const kind = random.next();
  if (kind < 0.05) return -60_000;
  if (kind < 0.1) return 3000;
  return kind < 0.4 ? random.below(random.next() < 0.5 ? 30 : 400) - 60 : undefined;
}

/** `dueAt` counts from the first of them. */
function drawRacers(users: number, random: Random): Racer[] {
  return Array.from({ length: users }, (_, n) => {
    const clientId = `c-${n}`;
    const userId = randomUUID();
    const names: DeletionOf[] = [{ clientId }, { userId }, { clientId, userId }];
    const request = names[random.next() < 0.7 ? 0 : 1 + random.below(2)] ?? {};
    const isByOthers = random.next() < 0.05;
    const isBoth = request.clientId !== undefined && request.userId !== undefined;
    return {
      userId,
      request,
      cancelled: (isBoth ? random.pick(names) : undefined) ?? request,
      isByOthers,
      suspends: !isByOthers && random.next() < 0.5,
      dueAt: Math.floor(random.next() * users * PACE_MS),
      afterDueMs: afterDueMs(random),
      afterTaken: random.next() * (random.next() < 0.5 ? 0.5 : 4),
      callers: random.next() < 0.2 ? (2 as const) : (1 as const),
      jobId: '',
      answers: [],
    };
  });
}

async function inBatches<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  for (let n = 0; n < items.length; n += AT_ONCE) await Promise.all(items.slice(n, n + AT_ONCE).map(work));
}

async function signUp(sandboxUrl: string, userId: string, clientId: string): Promise<void> {
  const { instanceId: instanceid, instanceKey: instancekey } = SANDBOX_CREDENTIALS;
  const answer = await fetch(`${sandboxUrl}/v1/Registration/create`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', instanceid, instancekey },
    body: JSON.stringify({ CustomToken: userId, UserFields: { ClientId: clientId } }),
  });
  if (!answer.ok) throw new Error(`the sandbox answered ${answer.status}`);
  await answer.body?.cancel();
}

async function add(
  { isByOthers, suspends, request, dueAt }: Racer,
  queue: Queue,
  [deletions]: Deletions[],
): Promise<string> {
  if (isByOthers) {
    const { id } = await queue.add('delete-user', request, { delay: Math.max(0, dueAt - Date.now()) });
    return id ?? '';
  }
  const scheduled = await deletions?.schedule(request, dueAt, { suspends });
  if (scheduled === undefined || scheduled === 'too-late') throw new Error('nothing was scheduled');
  return scheduled.jobId;
}

/** Resolves once every deletion was cancelled at its moment, and each caller has its answer. */
async function cancelAll(
  racers: Racer[],
  callers: Deletions[],
  redis: RedisTarget,
  isOver: Promise<void>,
  closing: (() => unknown)[],
) {
  const connection = connectRedis(redis);
  const events = new QueueEvents('user-jobs', { connection, prefix: PREFIX });
  events.on('error', () => undefined);
  closing.push(async () => {
    await events.close();
    connection.disconnect();
  });
  const late = racers.filter(({ afterDueMs }) => afterDueMs === undefined);
  const byJob = new Map(late.map((racer) => [racer.jobId, racer]));
  const takenAt = new Map<string, number>();
  let usualMs = 100;
  const taken = Promise.withResolvers<void>();
  const work: Promise<void>[] = [];
  const cancelIn = async (racer: Racer, inMs: number) => {
    await sleep(inMs);
    const asked = callers.slice(0, racer.callers);
    racer.answers.push(...(await Promise.all(asked.map(async (each) => each.cancel(racer.cancelled)))));
  };
  const cancelSoon = (racer: Racer, inMs: number) => work.push(cancelIn(racer, inMs));
  const byAnyJob = new Map(racers.map((racer) => [racer.jobId, racer]));
  events.on('completed', ({ jobId }) => {
    const tookMs = performance.now() - (takenAt.get(jobId) ?? -Infinity);
    // One that was cancelled is no measure, nor is one that has lost its worker.
    const isUsual = byAnyJob.get(jobId)?.answers.length === 0 && tookMs < LOCK_MS;
    if (isUsual) usualMs += (tookMs - usualMs) / 5;
  });
  events.on('active', ({ jobId }) => {
    takenAt.set(jobId, performance.now());
    const racer = byJob.get(jobId);
    if (racer === undefined) return;
    byJob.delete(jobId);
    cancelSoon(racer, racer.afterTaken * usualMs);
    if (byJob.size === 0) taken.resolve();
  });
  for (const racer of racers) {
    if (racer.afterDueMs !== undefined)
      cancelSoon(racer, Math.max(0, racer.dueAt + racer.afterDueMs - Date.now()));
  }
  // Redis forgets who was taken when it is killed.
  await Promise.race([taken.promise, isOver]);
  for (const racer of byJob.values()) cancelSoon(racer, 0);
  await Promise.all(work);
}

function wrong(
  { userId, jobId, isByOthers, answers }: Racer,
  sent: ReadonlyMap<string, 'sent' | 'applied'>,
  active: ReadonlySet<string>,
  collector: Collector,
): string[] {
  const deed = sent.get(userId) ?? 'unsent';
  const events = [...collector.idsOf(jobId)].map((id) => id.split('/').at(-1));
  const [answer] = answers;
  // Of another client's deletion nothing is known until it is sent: it is void all the same.
  const isVoid = (each: Cancellation | undefined) => each === 'cancelled' || (each === 'none' && isByOthers);
  const isTrue = isVoid(answer)
    ? deed === 'unsent' && active.has(userId) && events.join() === 'user.superseded'
    : (answer === 'too-late' || answer === 'done') && deed === 'applied' && events.join() === 'user.deleted';
  const isOneAnswer = answers.every((each) => isVoid(each) === isVoid(answer));
  return isTrue && isOneAnswer
    ? []
    : [
        `${jobId}: ${answers.join('+')}, but ${deed}, ${events.join('+')}${active.has(userId) ? '' : ', not active'}`,
      ];
}

function count(racers: readonly Racer[]): Record<Cancellation, number> {
  const counts = { cancelled: 0, 'too-late': 0, done: 0, none: 0 };
  for (const { answers } of racers) for (const answer of answers) counts[answer] += 1;
  return counts;
}
