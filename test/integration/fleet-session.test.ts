/** @module-tag slow */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { expect, it, onTestFinished } from 'vitest';
import { DamoovClient } from '../../src/damoov/client.ts';
import { deriveAdminKey } from '../../src/store/session/admin-key.ts';
import { startRedisNode } from '../support/redis-node.ts';
import { createSessionStore } from '../../src/store/session/session-store.ts';
import { SANDBOX_CREDENTIALS, type SandboxModes, startSandbox } from '../../src/sandbox/server.ts';
import type { SessionMainOptions, SessionReport } from '../support/session-main.ts';
import { nothingConfigured } from '../support/spawn-worker.ts';
import { type World, createWorld } from '../support/world.ts';

const PROCESSES = 5;
const WORKERS_EACH = 10;
const UPDATES = 150;
const admin = { email: SANDBOX_CREDENTIALS.adminEmail, password: SANDBOX_CREDENTIALS.adminPassword };
const DAY_MS = 86_400_000;

it('fifty workers that find an expired session, or all meet a 401, refresh it once and log in never', async () => {
  const world = await createWorld({ startsWorker: false, modes: { latencyMs: [50, 150] } });
  const users = await Promise.all(Array.from({ length: UPDATES }, (_, n) => world.signUpElsewhere(`c-${n}`)));
  const updateAll = async (phone: string) => {
    const events = await Promise.all(
      users.map((userId) => world.run('update-user', { userId, changes: { phone } })),
    );
    expect(events.every(({ type }) => type === 'user.updated')).toBe(true);
  };
  await leaveExpiredSession(world);
  await Promise.all(Array.from({ length: PROCESSES }, () => startWorkers(world)));

  await updateAll('expired');
  expect(await world.requests('login')).toHaveLength(1);
  expect(await world.requests('refresh')).toMatchObject([{ status: 200 }]);
  // Each update looks the user up first.
  const refused = async () => (await world.requests('find')).filter(({ status }) => status === 401);
  expect(await refused()).toEqual([]);

  await world.setModes({ accessTokenTtlMs: 0 });
  await world.setModes({ accessTokenTtlMs: DAY_MS });
  await updateAll('revoked');
  expect((await refused()).length).toBeGreaterThan(1);
  expect(await world.requests('login')).toHaveLength(1);
  expect(await world.requests('refresh')).toMatchObject([{ status: 200 }, { status: 200 }]);
});

/** As a fleet leaves it that was stopped for longer than a token lives. */
async function leaveExpiredSession({ sandboxUrl: baseUrl, redis: connection, prefix }: World): Promise<void> {
  const key = await deriveAdminKey({ ...admin, baseUrl });
  const sessionStore = createSessionStore({ connection, prefix, ...key, leaseMs: 30_000 });
  const client = new DamoovClient({ baseUrl, admin, sessionStore });
  await client.ensureSession();
  await client.close();
  const pair = await sessionStore.load();
  if (pair === undefined) throw new Error('there was to be a session');
  await sessionStore.save({ ...pair, expiresAt: Date.now() - 1 }, pair);
}

async function startWorkers(world: World): Promise<void> {
  const env = { ...nothingConfigured(), ...world.env, WORKER_CONCURRENCY: '1' };
  const child = spawnMain('fleet-main.ts', String(WORKERS_EACH), env);
  await once(child, 'message');
}

function spawnMain(main: string, argument: string, env: Record<string, string> = {}): ChildProcess {
  const child = fork(join(import.meta.dirname, '../support', main), [argument], {
    env: { PATH: process.env['PATH'], ...env },
    execArgv: [],
  });
  onTestFinished(() => end(child));
  return child;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const isGone = once(child, 'exit');
  child.kill('SIGKILL');
  await isGone;
}

/** Of processes, with two workers in each. */
const RANDOM_KILLS = 96;
const AIMED_KILLS = 6;
const REDIS_KILLS = 3;
const AT_ONCE = 3;
const LOGINS_PER_HOUR = 4;

it('200 workers killed around login and refresh, and Redis with them, never log in more often than allowed', async () => {
  const { redis, setModes, hasPending, logins, killed, start, kill, letAnHourPass } = await prepareStorm();

  await setModes({ latencyMs: [0, 20] });
  const oneAfterTheOther = async () => {
    for (let kills = 0; kills < RANDOM_KILLS / AT_ONCE; kills += 1) {
      const workers = start();
      // At any moment of their lives, often before they have a session.
      await Promise.race([workers.report(), sleep(2_000 * Math.random())]);
      await sleep(120 * Math.random());
      await kill(workers);
    }
  };
  const killRedis = async () => {
    for (let kills = 1; kills <= REDIS_KILLS; kills += 1) {
      const isTime = () => killed() > (kills * RANDOM_KILLS) / (REDIS_KILLS + 1);
      await expect.poll(isTime, { timeout: 60_000 }).toBe(true);
      await redis.kill();
      await redis.restart();
    }
  };
  await Promise.all([killRedis(), ...Array.from({ length: AT_ONCE }, oneAfterTheOther)]);

  // The results of a refresh and of the following logins are lost with the processes that requested them.
  await setModes({ latencyMs: 500 });
  for (const operation of ['refresh', ...Array.from({ length: AIMED_KILLS - 1 }, () => 'login')]) {
    const workers = start();
    const isStruck = async () => (await hasPending(operation)) || workers.isBarred();
    await expect.poll(isStruck, { interval: 20 }).toBe(true);
    await kill(workers);
  }
  expect(killed()).toBe(RANDOM_KILLS + AIMED_KILLS);
  expect(await logins()).toHaveLength(LOGINS_PER_HOUR);

  // The next workers say truthfully that they must not log in, and when they may; then they go on.
  await setModes({ latencyMs: 0 });
  const barred = start();
  await expect.poll(barred.isBarred).toBe(true);
  await kill(barred);
  expect(await logins()).toHaveLength(LOGINS_PER_HOUR);
  await letAnHourPass();
  const next = start();
  await expect.poll(next.hasSession).toBe(true);
  expect(await logins()).toHaveLength(LOGINS_PER_HOUR + 1);
}, 120_000);

async function prepareStorm() {
  const dir = await mkdtemp(join(tmpdir(), 'fleet-session-'));
  onTestFinished(() => rm(dir, { recursive: true }));
  const redis = await startRedisNode({ dir });
  onTestFinished(() => redis.close());
  // A token lives so shortly that many are refreshed.
  const sandbox = await startSandbox({ modes: { accessTokenTtlMs: 2_000 } });
  onTestFinished(() => sandbox.close());
  const { fingerprint, encryptionKey } = await deriveAdminKey({ ...admin, baseUrl: sandbox.url });
  const options: SessionMainOptions = {
    redisUrl: redis.url,
    prefix: '{storm}',
    baseUrl: sandbox.url,
    admin,
    loginsPerHour: LOGINS_PER_HOUR,
    leaseMs: 300,
    fingerprint,
    encryptionKey: encryptionKey.toString('hex'),
  };
  const control = async (path: string, init?: RequestInit): Promise<unknown> =>
    (await fetch(`${sandbox.url}/_sandbox${path}`, init)).json();
  const requests = async (operation: string) =>
    ((await control('/requests')) as { operation: string; at: string; endedAt: string | null }[]).filter(
      (request) => request.operation === operation,
    );
  let killed = 0;
  return {
    redis,
    killed: () => killed,
    start: () => startLookingUp(options, join(dir, 'compiled')),
    kill: async ({ child }: Workers) => {
      await end(child);
      killed += 1;
    },
    setModes: (modes: Partial<SandboxModes>) =>
      control('/modes', { method: 'PATCH', body: JSON.stringify(modes) }),
    hasPending: async (operation: string) =>
      (await requests(operation)).some(({ endedAt }) => endedAt === null),
    /** When each was received, in milliseconds since the epoch. */
    logins: async () => (await requests('login')).map(({ at }) => Date.parse(at)),
    /** For the budget; every worker that remembers a login has to be dead by now. */
    letAnHourPass: async () => {
      const connection = new Redis(redis.url, { maxRetriesPerRequest: null });
      await connection.del(...(await connection.keys(`${options.prefix}:logins*`)), 'none');
      connection.disconnect();
    },
  };
}

type Workers = ReturnType<typeof startLookingUp>;

function startLookingUp(options: SessionMainOptions, cacheDir: string) {
  const child = spawnMain('session-main.ts', JSON.stringify(options), { NODE_COMPILE_CACHE: cacheDir });
  const reports: SessionReport[] = [];
  child.on('message', (report: SessionReport) => void reports.push(report));
  return {
    child,
    /** Resolves once a look-up has ended, one way or the other. */
    report: () => once(child, 'message'),
    hasSession: () => reports.some(({ ok }) => ok),
    /** Whether the budget is spent: they have to wait for longer than after a failed login. */
    isBarred: () =>
      reports.some(
        (report) => !report.ok && report.kind === 'login-barred' && Number(report.retryAfterMs) > 60_000,
      ),
  };
}
