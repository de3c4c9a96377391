import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { pino } from 'pino';
import { expect, it, onTestFinished, vi } from 'vitest';
import { startApp } from '../../src/app/app.ts';
import { loadConfig } from '../../src/config/config.ts';
import { startRedisServer } from '../../src/dev/embedded-server.ts';
import { SANDBOX_CREDENTIALS, startSandbox } from '../../src/sandbox/server.ts';
import { type MonitoredCall, monitorRedis } from '../support/monitor.ts';

const PREFIX = '{commands}';
const JOBS = 200;

/** What the clock calls, not a job: the time a run takes would decide how often. */
const TIMED = ['wake-held', 'passed', 'rate', 'extendLocks', 'moveStalledJobsToWait'];

/**
 * The record, in whole calls a job: what asks once a second or once a batch counts for nothing. Where a change means to ask Redis
 * something else: `npx vitest run test/bench/commands-per-job.test.ts -u`, and say in the commit what it buys.
 */
const RECORD = './commands-per-job.json';

it('a job asks Redis what is on record, and nothing more', { timeout: 240_000 }, async () => {
  const names = namesOfScripts();
  const { jobs, redis, address, redisUrl } = await startWorker();
  const perJob: Record<string, number> = {};
  for (const [operation, dataOf] of Object.entries(OPERATIONS)) {
    // The first jobs load the scripts into Redis and log the admin in.
    await carryOut(5, (n) => dataOf(`first-${n}`));
    const count = counting(names, address);
    const monitor = await monitorRedis(redisUrl, (call) => count.hear(call));
    await carryOut(JOBS, (n) => dataOf(`user-${n}`));
    monitor.close();
    for (const [what, calls] of count.perJob()) {
      // Steps of two jobs share a call where they come in one turn.
      if (!SHARED.has(what)) perJob[`${operation}: ${what}`] = calls;
    }

    async function carryOut(number: number, data: (n: number) => object): Promise<void> {
      const before = await jobs.getCompletedCount();
      await jobs.pause();
      await jobs.addBulk(Array.from({ length: number }, (_, n) => ({ name: operation, data: data(n) })));
      await jobs.resume();
      await expect.poll(() => jobs.getCompletedCount()).toBe(before + number);
      expect(await jobs.getFailedCount()).toBe(0);
    }
  }
  await redis.flushall();
  await expect(`${JSON.stringify(perJob, undefined, 2)}\n`).toMatchFileSnapshot(RECORD);
});

const SHARED = new Set(['users', 'users: time']);

const OPERATIONS: Record<string, (clientId: string) => object> = {
  'create-user': (clientId) => ({ clientId, profile: { firstName: 'Ada', email: 'ada@example.test' } }),
  'update-user': (clientId) => ({ clientId, changes: { phone: '+442079460001' } }),
  'delete-user': (clientId) => ({ clientId }),
};

/** One request at a time, at a Redis without other clients. */
async function startWorker() {
  const dir = await mkdtemp(join(tmpdir(), 'commands-'));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  const server = await startRedisServer({ dir });
  onTestFinished(() => server.stop());
  const sandbox = await startSandbox();
  onTestFinished(() => sandbox.close());
  const redis = new Redis(server.url, { maxRetriesPerRequest: null });
  onTestFinished(() => redis.disconnect());
  const [, address = ''] = /\baddr=(\S+)/.exec(await redis.client('INFO')) ?? [];
  const jobs = new Queue('user-jobs', { connection: redis, prefix: PREFIX });
  onTestFinished(() => jobs.close());
  const config = loadConfig({
    REDIS_URL: server.url,
    QUEUE_PREFIX: PREFIX,
    DAMOOV_BASE_URL: sandbox.url,
    DAMOOV_INSTANCE_ID: SANDBOX_CREDENTIALS.instanceId,
    DAMOOV_INSTANCE_KEY: SANDBOX_CREDENTIALS.instanceKey,
    DAMOOV_ADMIN_EMAIL: SANDBOX_CREDENTIALS.adminEmail,
    DAMOOV_ADMIN_PASSWORD: SANDBOX_CREDENTIALS.adminPassword,
    DELETIONS_PER_HOUR: '1000000',
    WORKER_CONCURRENCY: '1',
    HTTP_PORT: '0',
  });
  const app = await startApp(config, pino({ level: 'silent' }));
  onTestFinished(() => app.close());
  return { jobs, redis, address, redisUrl: server.url };
}

/** The scripts by their names in Redis, as they are defined. */
function namesOfScripts(): Map<string, string> {
  const names = new Map<string, string>();
  const nameIt = (lua: string, name: string) => names.set(createHash('sha1').update(lua).digest('hex'), name);
  // oxlint-disable-next-line typescript/unbound-method -- called on whoever defines
  const define = Redis.prototype.defineCommand;
  const spy = vi.spyOn(Redis.prototype, 'defineCommand').mockImplementation(function (
    this: Redis,
    name,
    script,
  ) {
    // `damoov:settle` and `moveToFinished:6.7.0` are listed without parts that may change.
    nameIt(script.lua, name.replace(/^damoov:/, '').replace(/:.*$/, ''));
    define.call(this, name, script);
  });
  onTestFinished(() => spy.mockRestore());
  return names;
}

/** Counts what a worker asks, by script, and what each script asks in its turn. */
function counting(names: ReadonlyMap<string, string>, ownAddress: string) {
  const counts = new Map<string, number>();
  let caller: string | undefined;
  const add = (what: string) => counts.set(what, (counts.get(what) ?? 0) + 1);
  return {
    hear({ source, args: [command = '', sha = ''] }: MonitoredCall) {
      if (source === 'lua') {
        // What a script asks follows it at once.
        if (caller !== undefined) add(`${caller}: ${command.toLowerCase()}`);
        return;
      }
      const isScript = /^eval/i.test(command);
      const name = isScript ? (names.get(sha) ?? 'a script of no name') : command.toLowerCase();
      const isCounted = source !== ownAddress && !TIMED.includes(name);
      caller = isScript && isCounted ? name : undefined;
      if (isCounted) add(name);
    },
    /** In whole calls, so that it is the same each time. */
    perJob: () =>
      [...counts]
        .map(([what, count]) => [what, Math.round(count / JOBS)] as const)
        .filter(([, count]) => count > 0)
        .toSorted(([one], [other]) => (one < other ? -1 : 1)),
  };
}
