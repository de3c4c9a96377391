import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { monitorRedis } from '../support/monitor.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { type World, createWorld } from '../support/world.ts';

type Checks = Record<string, { ok: boolean; reason?: string; detail?: string }>;

async function readiness(url: string): Promise<{ status: number; checks: Checks }> {
  const answer = await fetch(`${url}/readyz`);
  const { checks } = (await answer.json()) as { checks: Checks };
  return { status: answer.status, checks };
}

/** Only what is not as it should be. */
const reasonsIn = ({ checks }: { checks: Checks }) =>
  Object.fromEntries(
    Object.entries(checks).flatMap(([name, { ok, reason }]) => (ok ? [] : [[name, reason]])),
  );

async function liveness(url: string): Promise<number> {
  return (await fetch(`${url}/livez`)).status;
}

describe('a worker', () => {
  it('is ready where nothing keeps it from working', async () => {
    const { url } = await startIn(await createWorld({ startsWorker: false }));
    const ready = await readiness(url);
    expect(ready.status).toBe(200);
    expect(Object.keys(ready.checks).sort()).toEqual([
      'admin',
      'answers',
      'damoov',
      'deletion-limit',
      'instance-key:default',
      'queues',
      'redis',
      'requests',
    ]);
    expect(reasonsIn(ready)).toEqual({});
  });

  it('is not ready while a key of a queue is broken, and says how to mend it', async () => {
    const world = await createWorld({ startsWorker: false });
    const { url } = await startIn(world);
    const key = `${world.prefix}:user-jobs:delayed`;
    await world.redis.hset(key, 'name', 'create-user');
    const broken = await readiness(url);
    expect(broken.status).toBe(503);
    expect(reasonsIn(broken)['queues']).toContain(`${key} holds a job: `);
    expect(reasonsIn(broken)['queues']).toContain(`RENAME ${key} ${key}-broken`);
    await world.redis.del(key);
    expect(reasonsIn(await readiness(url))).toEqual({});
  });

  it('is not ready while Redis is away or silent, and lives all the same', async () => {
    const proxy = await startTcpProxy(inject('redisUrl'));
    onTestFinished(() => proxy.close());
    const world = await createWorld({ startsWorker: false, redisUrlOfWorker: proxy.url });
    const { url } = await startIn(world);
    proxy.stall();
    const silent = await readiness(url);
    expect(silent.status).toBe(503);
    expect(reasonsIn(silent)).toMatchObject({
      redis: expect.stringMatching(/^Redis is away \(127\.0\.0\.1:\d+\): no answer within a second$/),
      damoov: 'not known: Redis does not answer',
    });
    proxy.resume();
    await proxy.sever();
    await untilRedisIsLost(world);
    // Checks that need Redis wait; meanwhile it comes back.
    const away = readiness(url);
    expect(await liveness(url)).toBe(200);
    await proxy.restore();
    expect(reasonsIn(await away)['redis']).toMatch(/^Redis is away \(127\.0\.0\.1:\d+\): /);
    await expect.poll(async () => (await readiness(url)).status).toBe(200);
  });

  it('asks a Redis that is away once, however many ask the worker', async () => {
    const proxy = await startTcpProxy(inject('redisUrl'));
    onTestFinished(() => proxy.close());
    const world = await createWorld({ startsWorker: false, redisUrlOfWorker: proxy.url });
    const { url } = await startIn(world);
    await proxy.sever();
    await untilRedisIsLost(world);
    const askManyTimes = async () => {
      const metrics = fetch(`${url}/metrics`).then(async (answer) => answer.text());
      return Promise.all([metrics, ...Array.from({ length: 30 }, async () => readiness(url))]);
    };
    const [, ...answers] = await askManyTimes();
    for (const answer of answers) expect(reasonsIn(answer)['redis']).toMatch(/^Redis is away \(127/);
    // The first ones have given up, and these find Redis away, too.
    const again = askManyTimes();
    // Of this world alone: others ask the same Redis.
    let asked = 0;
    const monitor = await monitorRedis(inject('redisUrl'), ({ args: [command = '', key = ''] }) => {
      if (command.toLowerCase() === 'zcard' && key.startsWith(world.prefix)) asked += 1;
    });
    onTestFinished(() => monitor.close());
    await proxy.restore();
    await again;
    await expect.poll(async () => (await readiness(url)).status).toBe(200);
    expect(asked).toBeGreaterThan(0);
    expect(asked).toBeLessThan(60);
  });

  it.for([
    ['the InstanceKey', 'instance-key:default', { DAMOOV_INSTANCE_KEY: 'no-such-key' }, 'create-user'],
    ["the admin's password", 'admin', { DAMOOV_ADMIN_PASSWORD: 'no-such-password' }, 'update-user'],
  ] as const)('is not ready while Damoov refuses %s, and says until when', async (refused) => {
    const [, circuit, env, name] = refused;
    const world = await createWorld({ startsWorker: false, env });
    const { url } = await startIn(world);
    await world.signUpElsewhere('c-1');
    await world.add(name, {
      clientId: 'c-1',
      ...(name === 'update-user' && { changes: { nickname: 'x' } }),
    });
    const reason = /^open since \S+Z, tried again at \S+Z, held jobs: 1: \S/;
    await expect.poll(async () => reasonsIn(await readiness(url))[circuit]).toMatch(reason);
    const { status, checks } = await readiness(url);
    expect(status).toBe(503);
    expect(checks['damoov']).toEqual({ ok: true });
    expect(JSON.stringify(checks)).not.toMatch(/no-such/);
    // The endpoint needs no password, so it must not show any user's id.
    expect(JSON.stringify(checks)).not.toMatch(/c-1|[\da-f]{8}-[\da-f]{4}/);
  });

  it('is not ready while Damoov is away', async () => {
    const world = await createWorld({ startsWorker: false });
    const { url } = await startIn(world);
    await world.setModes({ errorRate: 1, errorStatus: 503 });
    const jobs = Array.from({ length: 12 }, (_, n) => ({ name: 'create-user', data: { clientId: `${n}` } }));
    await world.jobs.addBulk(jobs);
    await expect
      .poll(async () => reasonsIn(await readiness(url))['damoov'])
      .toMatch(/^open since .*status 503/);
    expect(reasonsIn(await readiness(url))['answers']).toBe('this worker gets no answer from Damoov');
  });

  it('is not ready while it may send nothing after a 429', async () => {
    const world = await createWorld({ startsWorker: false });
    const { url } = await startIn(world);
    await world.setModes({ rateLimit: { max: 0, windowMs: 60_000, retryAfter: 60 } });
    await world.add('create-user', { clientId: 'c-1' });
    await expect
      .poll(async () => reasonsIn(await readiness(url)))
      .toEqual({ requests: expect.stringMatching(/^Damoov answers 429: nothing is sent until \S+Z$/) });
  });

  it('is ready while the deletion limit holds deletions, and says how many', async () => {
    const world = await createWorld({ startsWorker: false, env: { DELETIONS_PER_HOUR: '0' } });
    const { url } = await startIn(world);
    await world.signUpElsewhere('c-1');
    await world.add('delete-user', { clientId: 'c-1' });
    await expect
      .poll(async () => (await readiness(url)).checks['deletion-limit'])
      .toEqual({ ok: true, detail: expect.stringMatching(/^held since \S+Z, deletions: 1$/) });
    expect((await readiness(url)).status).toBe(200);
  });
});

async function untilRedisIsLost({ logLines }: World): Promise<void> {
  await expect.poll(() => logLines.some((line) => line.includes('Redis is away'))).toBe(true);
}

/** A worker that is connected. */
async function startIn(world: World): Promise<{ url: string }> {
  const app = await world.startWorker();
  await expect.poll(async () => (await readiness(app.url)).checks['redis']?.ok).toBe(true);
  return app;
}
