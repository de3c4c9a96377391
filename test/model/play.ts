/**
 * Plays a scenario through the real pipeline, redrives what failed for want of attempts, and tells every way in which
 * the end is not as the model says.
 */
import type { JobsOptions } from 'bullmq';
import { expect } from 'vitest';
import { INSTANCE_NAMES } from '../support/instances.ts';
import { createTwoInstances } from '../support/two-instances.ts';
import type { World } from '../support/world.ts';
import { dataOf, instancesAfter, tell, usersAfter } from './history.ts';
import {
  type Finding,
  misplaced,
  overlaps,
  remoteDifferences,
  requestsOf,
  secondUsers,
  viewSandbox,
} from './sandbox-view.ts';
import type { Scenario, Step } from './scenario.ts';

const NO_FAULTS = { commitThenDropRate: 0, errorRate: 0, dropRate: 0, latencyMs: 0 };

/** What does not end within so many milliseconds never will: faults and their delays are far shorter here. */
const PATIENCE_MS = 15_000;
/** A job that is delayed for longer waits for another to come; after a fault it is tried again sooner. */
const LONGEST_BACKOFF_MS = 50;
/** As soon again as a job is. */
const PROBES = { firstMs: 20, lastMs: LONGEST_BACKOFF_MS };

const HOUR_MS = 3_600_000;

interface Played {
  readonly step: Step;
  readonly jobId: string;
  /** How often it was put back after it had failed. */
  redrives: number;
}

/** @returns what went wrong, a line each; nothing, where all is well. */
export async function play({ steps, userIds, faults }: Scenario): Promise<string[]> {
  const world = await createTwoInstances({
    startsWorker: false,
    // Few attempts, so that some jobs fail and are redriven.
    env: { JOB_ATTEMPTS: '3', DAMOOV_USER_ID: userIds, BACKOFF_MAX_MS: `${LONGEST_BACKOFF_MS}` },
    timings: { probes: { credential: PROBES, outage: PROBES }, lagMs: LONGEST_BACKOFF_MS },
  });
  const worker = await world.startWorker();
  try {
    // Logins are rationed: the session is opened before the faults begin.
    await world.run('delete-user', { clientId: 'nobody' });
    await world.jobs.pause();
    const played: Played[] = [];
    const add = async (step: Step) => {
      const jobId = await world.add(step.name, dataOf(step), optionsOf(step));
      played.push({ step, jobId, redrives: 0 });
    };
    for (const step of steps.filter(({ arrives }) => arrives === 'backlog')) await add(step);
    await world.setModes(faults);
    await world.jobs.resume();
    for (const step of steps.filter(({ arrives }) => arrives !== 'backlog')) {
      if (step.arrives === 'quiet') await untilQuiet(world);
      await add(step);
    }
    await untilQuiet(world);
    await world.setModes(NO_FAULTS);
    await settle(world, played);
    return await violations(world, played);
  } finally {
    await worker.close();
  }
}

function optionsOf({ isOrphan }: Step): JobsOptions {
  return isOrphan ? { timestamp: Date.now() - HOUR_MS } : {};
}

/** Nothing runs, and nothing will before another job comes. */
async function untilQuiet({ redis, prefix }: World): Promise<void> {
  const queue = `${prefix}:user-jobs`;
  const busy = async () => {
    const soon = (Date.now() + 2 * LONGEST_BACKOFF_MS) * 0x1000; // as BullMQ scores what is delayed
    const counts = await redis
      .multi()
      .zcount(`${queue}:delayed`, '-inf', String(soon))
      .llen(`${queue}:wait`)
      .llen(`${queue}:active`)
      .zcard(`${prefix}:circuit:damoov:held`)
      .exec();
    const blocked = await redis.keys(`${prefix}:user:*:blocked`);
    return [...(counts ?? []).map(([, count]) => count), blocked.length];
  };
  // A user is unlocked, and the next job promoted, just after its job has completed.
  let quietLooks = 0;
  const isQuiet = async () => {
    quietLooks = (await busy()).every((count) => count === 0) ? quietLooks + 1 : 0;
    return quietLooks;
  };
  await expect.poll(isQuiet, { timeout: PATIENCE_MS, interval: 5 }).toBeGreaterThanOrEqual(3);
}

/** Redrives what failed, until nothing fails for want of attempts any more. */
async function settle(world: World, played: readonly Played[]): Promise<void> {
  for (let isSettled = false; !isSettled;) {
    for (const job of await exhausted(world)) {
      await job.retry('failed', { resetAttemptsMade: true });
      for (const one of played) if (one.jobId === job.id) one.redrives += 1;
    }
    await untilQuiet(world);
    // Those that waited for a create, which may itself have waited for a deletion.
    for (let round = 1; round <= 3; round += 1) {
      await world.jobs.promoteJobs();
      await untilQuiet(world);
    }
    isSettled = (await exhausted(world)).length === 0;
  }
}

async function exhausted(world: World) {
  return (await world.jobs.getFailed()).filter(({ failedReason }) =>
    failedReason.startsWith('retries-exhausted'),
  );
}

async function violations(world: World, played: readonly Played[]): Promise<string[]> {
  const waiting = new Set((await world.jobs.getDelayed()).map(({ id }) => id));
  const ended = played.filter(({ jobId }) => !waiting.has(jobId));
  const published = 1 + ended.reduce((sum, { redrives }) => sum + 1 + redrives, 0);
  await expect
    .poll(() => world.events.length, { timeout: PATIENCE_MS, interval: 10, message: 'events published' })
    .toBeGreaterThanOrEqual(published);

  const sandbox = await viewSandbox(world.sandboxUrl);
  const history = played.map(({ step }) => step);
  const findings = [
    ...remoteDifferences(sandbox, usersAfter(history)),
    ...misplaced(sandbox, instancesAfter(history), INSTANCE_NAMES),
    ...secondUsers(sandbox),
    ...overlaps(sandbox),
    ...played.flatMap((job) => (waiting.has(job.jobId) ? stillWaits(job) : wrongEvents(world, job))),
  ];
  const clientIds = new Set(findings.map(({ clientId }) => clientId));
  return [
    ...findings.map(({ clientId, what }) => `${clientId} ${what}`),
    ...[...clientIds].flatMap((clientId) => [
      `\nThe requests for ${clientId}:`,
      ...requestsOf(clientId, sandbox),
    ]),
  ];
}

function stillWaits({ step }: Played): Finding[] {
  return [{ clientId: step.clientId, what: `(${tell(step)}) still waits` }];
}

/** Each settling publishes one event, and nothing but a want of attempts or of a user makes a job fail. */
function wrongEvents(world: World, { step, jobId, redrives }: Played): Finding[] {
  const events = world.events.filter(({ data }) => data.jobId === jobId);
  const last = events.at(-1);
  const code = last?.type === 'user.failed' ? last.data.code : undefined;
  const isMeant = code === undefined || (code === 'user-not-found' && step.isOrphan);
  const ids = events.map(({ id }) => id).join(', ');
  const faults = [
    ...(isMeant ? [] : [`failed: ${code}`]),
    ...(events.length === redrives + 1 ? [] : [`was driven ${redrives + 1} times and published ${ids}`]),
  ];
  return faults.map((fault) => ({ clientId: step.clientId, what: `(${tell(step)}) ${fault}` }));
}
