import { Redis } from 'ioredis';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { type World, createWorld } from '../support/world.ts';

const BUSY = 20;
const OTHERS = 1000;

/** What the worker asks of Redis while it works; the commands that scripts run inside Redis do not count. */
async function countCalls(world: World, work: () => Promise<unknown>): Promise<number> {
  // What RESP3 makes of MONITOR's lines ioredis takes for replies.
  const watcher = await new Redis(inject('redisUrl'), { maxRetriesPerRequest: null, protocol: 2 }).monitor();
  onTestFinished(() => watcher.disconnect());
  let calls = 0;
  watcher.on('monitor', (_time: string, args: string[], source: string) => {
    // Only what names this world, and of that only calls that a job makes: no heartbeat, no waiting for work.
    if (source === 'lua' || !/^eval(sha)?$/i.test(args[0] ?? '')) return;
    if (args.some((argument) => argument.includes(`${world.prefix}:user-jobs:`))) calls += 1;
  });
  await work();
  // The watcher has seen everything once it sees this.
  const mark = `${world.prefix}:mark`;
  const { promise: seen, resolve } = Promise.withResolvers<void>();
  watcher.on('monitor', (_time: string, args: string[]) => void (args[1] === mark && resolve()));
  await world.redis.get(mark);
  await seen;
  return calls;
}

/** Adds the jobs before the worker starts, so that only the worker's calls are counted. */
async function callsFor(clientIds: readonly string[]): Promise<number> {
  const world = await createWorld({ startsWorker: false, modes: { latencyMs: 2 } });
  await world.jobs.addBulk(clientIds.map((clientId) => ({ name: 'create-user', data: { clientId } })));
  return countCalls(world, async () => {
    await world.startWorker();
    await expect.poll(() => world.jobs.getCompletedCount(), { timeout: 60_000 }).toBe(clientIds.length);
  });
}

describe('waiting for a busy user', () => {
  it('costs a job at most four calls to Redis, in a burst of 20 among 1,000 jobs of others', async () => {
    const others = Array.from({ length: OTHERS }, (_, n) => `c-${n}`);
    const spread = others.concat(Array.from({ length: BUSY }, (_, n) => `free-${n}`));
    // The busy user's jobs lie together, so that all of them are taken at once.
    const burst = [
      ...others.slice(0, 500),
      ...Array.from({ length: BUSY }, () => 'busy'),
      ...others.slice(500),
    ];
    const usual = await callsFor(spread);
    const withBurst = await callsFor(burst);
    expect((withBurst - usual) / BUSY).toBeLessThanOrEqual(4);
  }, 150_000);

  it('spends no attempt and polls nothing', async () => {
    const world = await createWorld({ modes: { latencyMs: 30 } });
    const jobIds = await Promise.all(
      Array.from({ length: BUSY }, () => world.add('create-user', { clientId: 'busy' })),
    );
    await Promise.all(jobIds.map((id) => world.eventOf(id)));
    await expect.poll(() => world.jobs.getCompletedCount()).toBe(BUSY);
    for (const id of jobIds) {
      const job = await world.jobs.getJob(id);
      expect(job?.attemptsMade).toBe(1);
      // Fetched, put aside at once, and fetched again when its turn had come.
      expect(job?.attemptsStarted).toBeLessThanOrEqual(2);
    }
    expect(await world.requests('create')).toHaveLength(1);
  });
});
