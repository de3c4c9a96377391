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

/** The most requests that came in any span of so many milliseconds. */
function mostWithin(ms: number, requests: readonly Logged[]): number {
  return Math.max(
    ...requests.map(({ at: from }) => requests.filter(({ at }) => at >= from && at < from + ms).length),
  );
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
    // The first windows are the search for the limit, the last is not over. What is used over minutes is shown where time
    // is the test's own: here a busy machine costs some.
    const windows = passedPerWindow(requests).slice(15, -1);
    expect(windows.length).toBeGreaterThanOrEqual(5);
    const mean = windows.reduce((sum, passed) => sum + passed, 0) / windows.length;
    expect(mean).toBeGreaterThanOrEqual(0.85 * 50);
    const median = windows.toSorted((a, b) => a - b)[Math.floor(windows.length / 2)];
    expect(median).toBeGreaterThanOrEqual(0.9 * 50);
    const jobs = await world.jobs.getJobs(['completed', 'delayed', 'wait']);
    expect(Math.max(...jobs.map(({ attemptsMade }) => attemptsMade))).toBe(1);
    expect(await world.jobs.getFailedCount()).toBe(0);
  }, 150_000);
});

describe('DAMOOV_MAX_RPS', () => {
  it('is kept by three workers together, and used up', async () => {
    const world = await createWorld({ startsWorker: false });
    const requests = await workOff(world, 750, { DAMOOV_MAX_RPS: '40' });
    // A twentieth and one more may leave within a second; the rest is for requests that a busy machine delivers late.
    expect(mostWithin(1000, requests)).toBeLessThanOrEqual(40 * 1.4);
    expect(mostWithin(5000, requests)).toBeLessThanOrEqual(40 * 5 * 1.1);
    const [first, last] = [requests[0]?.at ?? 0, requests.at(-1)?.at ?? 0];
    expect(requests.length).toBeGreaterThanOrEqual((0.9 * 40 * (last - first)) / 1000);
    expect(requests.length).toBeGreaterThan(300);
  }, 100_000);
});
