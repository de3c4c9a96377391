/** @module-tag slow */
import { describe, expect, it } from 'vitest';
import { spawnWorker } from '../support/spawn-worker.ts';
import { type World, createWorld } from '../support/world.ts';

const WORKERS = 3;

interface Logged {
  at: number;
  status: number | null;
}

/** A backlog and a fleet that works it off, up to the point where not everybody has work any more: what the sandbox saw. */
async function workOff(world: World, jobs: number, env: Record<string, string> = {}): Promise<Logged[]> {
  await world.jobs.addBulk(
    Array.from({ length: jobs }, (_, n) => ({ name: 'create-user', data: { clientId: `c-${n}` } })),
  );
  for (let n = 0; n < WORKERS; n += 1) spawnWorker({ ...world.env, ...env, LOG_LEVEL: 'warn' });
  await expect
    .poll(() => world.jobs.getWaitingCount(), { timeout: 100_000, interval: 200 })
    .toBeLessThan(WORKERS * 50);
  return (await world.requests()).map(({ status, ...rest }) => ({
    status,
    at: Date.parse((rest as unknown as { at: string }).at),
  }));
}

/** How many requests passed in each window of the sandbox, which opens with the first request after the one before. */
function passedPerWindow(requests: readonly Logged[]): number[] {
  const windows: number[] = [];
  let endsAt = 0;
  for (const { at, status } of requests) {
    if (at >= endsAt) {
      endsAt = at + 1000;
      windows.push(0);
    }
    if (status !== 429) windows.push((windows.pop() ?? 0) + 1);
  }
  return windows;
}

/** The largest number of requests in one window: delays of a busy machine say nothing about the fleet. */
function mostWithin(ms: number, requests: readonly Logged[]): number {
  return Math.max(
    ...requests.map(({ at: from }) => requests.filter(({ at }) => at >= from && at < from + ms).length),
  );
}

/** How far the requests ever were ahead of so many a second, counted from the first. */
function mostAhead(perSecond: number, requests: readonly Logged[]): number {
  const from = requests[0]?.at ?? 0;
  return Math.max(...requests.map(({ at }, index) => index + 1 - (perSecond * (at - from)) / 1000));
}

/** The best mean of so many values in a row. */
function bestMean(count: number, values: readonly number[]): number {
  const means = values
    .slice(count - 1)
    .map((_, end) => values.slice(end, end + count).reduce((sum, value) => sum + value, 0) / count);
  return Math.max(...means);
}

describe('a fleet that meets a limit of 50 requests a second', () => {
  it('soon uses nine tenths of it, with less than 5 in 100 refused from its cold start on, and no attempt spent', async () => {
    const world = await createWorld({
      startsWorker: false,
      modes: { rateLimit: { max: 50, windowMs: 1000, retryAfter: 1 } },
    });
    const requests = await workOff(world, 1500);
    const refused = requests.filter(({ status }) => status === 429);
    expect(refused.length).toBeGreaterThan(0);
    expect(refused.length).toBeLessThan(0.05 * requests.length);
    // The last window is not over. What is used over minutes is shown where time is the test's own.
    const windows = passedPerWindow(requests).slice(0, -1);
    expect(bestMean(3, windows)).toBeGreaterThanOrEqual(0.9 * 50);
    const jobs = await world.jobs.getJobs(['completed', 'delayed', 'wait']);
    expect(Math.max(...jobs.map(({ attemptsMade }) => attemptsMade))).toBe(1);
    expect(await world.jobs.getFailedCount()).toBe(0);
  }, 150_000);
});

describe('DAMOOV_MAX_RPS', () => {
  it('is kept by three workers together, and used up', async () => {
    const world = await createWorld({ startsWorker: false });
    const requests = await workOff(world, 750, { DAMOOV_MAX_RPS: '40' });
    // A twentieth and one more may leave at once; a second's worth is for a first one that a busy machine has held up.
    expect(mostAhead(40, requests)).toBeLessThanOrEqual(40 * 0.05 + 1 + 40);
    expect(mostWithin(5000, requests)).toBeGreaterThanOrEqual(0.9 * 40 * 5);
    expect(requests.length).toBeGreaterThan(300);
  }, 100_000);
});
