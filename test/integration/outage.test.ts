import { describe, expect, it, onTestFinished } from 'vitest';
import { spawnShortLockedWorker } from '../support/spawn-worker.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { type World, createWorld } from '../support/world.ts';

/** Several times as many as are under way at once. */
const JOBS = 500;
const MANY_JOBS = 1000;
const CONCURRENCY = 20;

/** No answer is late, however busy the machine is: that would be a fault of its own. A request ends within half its lock. */
const NEVER_LATE = { DAMOOV_TIMEOUT_MS: '30000', TEST_LOCK_MS: '60000' };

/** A sandbox behind a line that can be cut, and two worker processes. */
async function createOutageWorld(env: Record<string, string> = {}) {
  const world = await createWorld({ startsWorker: false, modes: { latencyMs: 100 } });
  const line = await startTcpProxy(world.sandboxUrl);
  onTestFinished(() => line.close());
  Object.assign(world.env, {
    DAMOOV_BASE_URL: line.url.replace(/\/$/, ''),
    DAMOOV_TIMEOUT_MS: '400',
    WORKER_CONCURRENCY: `${CONCURRENCY}`,
    ...env,
  });
  const workers = [spawnShortLockedWorker(world.env), spawnShortLockedWorker(world.env)];
  return { world, line, workers };
}

const addAll = ({ jobs }: World, count: number) =>
  jobs.addBulk(
    Array.from({ length: count }, (_, n) => ({ name: 'create-user', data: { clientId: `c-${n}` } })),
  );

const circuitKeys = async ({ redis, prefix }: World) =>
  (await redis.keys(`${prefix}:circuit:damoov:*`)).filter((key) => !/:(?:held|passed|refused)$/.test(key));
const probesRefused = async (world: World) => {
  const [key] = await circuitKeys(world);
  return key === undefined ? 0 : Number((await world.redis.hget(key, 'step')) ?? 0);
};

/** Attempts that were spent besides the one each job ends with. */
async function burnt({ jobs }: World): Promise<number> {
  const all = await jobs.getJobs(['completed', 'failed', 'delayed', 'wait', 'active'], 0, -1);
  return all.reduce(
    (sum, job) => sum + Math.max(0, job.attemptsMade - (job.finishedOn === undefined ? 0 : 1)),
    0,
  );
}

type Begin = (world: Awaited<ReturnType<typeof createOutageWorld>>) => Promise<() => Promise<void>>;

describe('an outage of Damoov', () => {
  const outages: [string, Begin, env?: Record<string, string>][] = [
    [
      'that refuses connections',
      async ({ line }) => {
        await line.sever();
        return () => line.restore();
      },
      NEVER_LATE,
    ],
    [
      'that is silent',
      async ({ line }) => {
        line.stall();
        return async () => line.resume();
      },
    ],
    [
      'that answers 503',
      async ({ world }) => {
        await world.setModes({ errorRate: 1, errorStatus: 503, errorBody: 'html' });
        return () => world.setModes({ errorRate: 0 });
      },
      NEVER_LATE,
    ],
    [
      'that answers 500 in its own words',
      async ({ world }) => {
        await world.setModes({ errorRate: 1 });
        return () => world.setModes({ errorRate: 0 });
      },
      NEVER_LATE,
    ],
  ];

  const TITLE = '%s costs no attempt but of the jobs under way, and no job';
  it.each(outages.slice(0, 1))(TITLE, (_what, begin, env) => costsNoJob(begin, JOBS, env));
  it.each(outages.slice(1))(TITLE, { tags: ['slow'] }, (_what, begin, env) =>
    costsNoJob(begin, MANY_JOBS, env),
  );

  async function costsNoJob(begin: Begin, count: number, env?: Record<string, string>): Promise<void> {
    const outage = await createOutageWorld(env);
    const { world } = outage;
    await addAll(world, count);
    await expect.poll(() => world.events.length).toBeGreaterThan(count / 10);
    const end = await begin(outage);
    // Tried several times, each time later.
    await expect.poll(() => probesRefused(world)).toBe(200);
    await expect.poll(() => world.jobs.getActiveCount()).toBeLessThanOrEqual(1);
    expect(world.events.length).toBeLessThan(count);
    expect(await burnt(world)).toBeLessThanOrEqual(2 * CONCURRENCY);

    await end();
    await expect.poll(() => world.events.length).toBe(count);
    expect(new Set(world.events.map(({ type }) => type))).toEqual(new Set(['user.created']));
    expect(await burnt(world)).toBeLessThanOrEqual(2 * CONCURRENCY);
    expect(await circuitKeys(world)).toEqual([]);
    const users = (await world.users()).map(({ clientId }) => clientId);
    expect(new Set(users).size).toBe(users.length);
  }

  it('is tried by one request at a time, and the first that comes through ends it', async () => {
    const { world } = await createOutageWorld(NEVER_LATE);
    await world.setModes({ errorRate: 1, errorStatus: 503 });
    await addAll(world, JOBS);
    await expect.poll(() => probesRefused(world)).toBe(200);
    const before = (await world.requests()).length;
    // Five probes more, with hundreds of jobs before the circuit.
    await expect.poll(async () => (await world.requests()).length).toBeGreaterThanOrEqual(before + 5);
    // Each is answered after 100 ms, and the next comes only then.
    const tries = (await world.requests()).slice(before).map(({ at }) => Date.parse(at));
    for (const [index, at] of tries.entries()) {
      if (index > 0) expect(at - (tries[index - 1] ?? 0)).toBeGreaterThanOrEqual(99);
    }
    await world.setModes({ errorRate: 0 });
    await expect.poll(() => world.events.length).toBe(JOBS);
    const statuses = (await world.requests()).map(({ status }) => status);
    const firstGood = statuses.findIndex((status) => status === 200);
    expect(statuses.slice(firstGood).filter((status) => status === 503)).toEqual([]);
    expect(await burnt(world)).toBe(0);
  });

  it('is told once when it begins and once when it ends, and keeps the worker from being ready', async () => {
    const world = await createWorld({ startsWorker: false });
    const app = await world.startWorker();
    await world.setModes({ errorRate: 1, errorStatus: 503 });
    const jobIds = await Promise.all(
      Array.from({ length: 30 }, (_, n) => world.add('create-user', { clientId: `c-${n}` })),
    );
    const told = (message: string) => world.logLines.filter((line) => line.includes(message)).length;
    await expect.poll(() => told('Damoov is away')).toBe(1);
    const ready = await fetch(`${app.url}/readyz`);
    expect(ready.status).toBe(503);
    expect(await ready.json()).toMatchObject({
      checks: { redis: { ok: true }, admin: { ok: true }, damoov: { ok: false } },
    });
    const metrics = await (await fetch(`${app.url}/metrics`)).text();
    expect(metrics).toContain('damoov_users_circuit_open{circuit="damoov"} 1');
    expect(metrics).toContain('damoov_users_circuit_open{circuit="instance-key:default"} 0');

    await world.setModes({ errorRate: 0 });
    await Promise.all(jobIds.map((id) => world.eventOf(id)));
    await expect.poll(async () => (await fetch(`${app.url}/readyz`)).status).toBe(200);
    expect([told('Damoov is away'), told('Damoov is back')]).toEqual([1, 1]);
  });
});
