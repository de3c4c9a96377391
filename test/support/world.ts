/**
 * A world of its own for one test: a sandbox, a worker and queues under a prefix nobody else uses. Everything in it ends
 * with the test, and what does not end fails it.
 */
import { randomUUID } from 'node:crypto';
import { type JobsOptions, Queue, Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import { pino } from 'pino';
import { inject, onTestFinished } from 'vitest';
import { type App, type AppOptions, type Timings, startApp } from '../../src/app/app.ts';
import { UserEvent } from '../../src/contract/event.ts';
import { type RedisTarget, connectRedis } from '../../src/redis/connection.ts';
import {
  SANDBOX_CREDENTIALS,
  type SandboxModes,
  type SandboxOptions,
  startSandbox,
} from '../../src/sandbox/server.ts';
import { cheapConfig } from './cheap-config.ts';
import { inTime } from './in-time.ts';
import { SHORT_PROBES } from './short-probes.ts';

/** Look-ups at the sandbox lag behind only where a test says so. */
const LAG_MS = 1000;

/** A job that failed comes back when the test calls it: a delay that is drawn below a day is next to never a short one. */
export const RETRIES_LATE = { BACKOFF_BASE_MS: '86400000', BACKOFF_MAX_MS: '86400000' };

export interface WorldOptions {
  modes?: Partial<SandboxModes>;
  sandbox?: SandboxOptions;
  /** On top of the environment that points the worker at this world's Redis and sandbox. */
  env?: Record<string, string>;
  timings?: Partial<Timings>;
  /** False where the test starts the worker itself, or none. */
  startsWorker?: boolean;
  /** Where the worker reaches Redis; the test's own connections never go through here. */
  redisUrlOfWorker?: string;
  /** Instead of the Redis of the run: one of the test's own, with what points a worker at it. */
  redis?: { target: RedisTarget; env: Record<string, string> } | undefined;
  /** Default: a unique one. */
  prefix?: string | undefined;
}

/** One request as the sandbox saw it. */
export interface SandboxRequest {
  /** By the sandbox's clock, ISO 8601. */
  at: string;
  operation: string;
  deviceToken: string | null;
  clientId: string | null;
  status: number | null;
  applied: boolean;
}

export interface SandboxUser {
  deviceToken: string;
  instanceId: string;
  clientId: string | null;
  firstName: string | null;
  phone: string | null;
  email: string | null;
  deletedAt: string | null;
}

export interface World {
  readonly env: Record<string, string>;
  readonly prefix: string;
  readonly sandboxUrl: string;
  readonly jobs: Queue;
  readonly redis: Redis;
  /** Every line the worker has logged. */
  readonly logLines: string[];
  /** Adds a job as any BullMQ client would, and answers its id. */
  add(name: string, data: unknown, options?: JobsOptions): Promise<string>;
  /** The event of a job, as it is published; each is checked against the contract. */
  eventOf(jobId: string): Promise<UserEvent>;
  /** All events so far, in the order of their arrival. */
  readonly events: UserEvent[];
  /** Adds a job and waits for its event. */
  run(name: string, data: unknown, options?: JobsOptions): Promise<UserEvent>;
  setModes(modes: Partial<SandboxModes>): Promise<void>;
  requests(operation?: string): Promise<SandboxRequest[]>;
  users(): Promise<SandboxUser[]>;
  startWorker(options?: AppOptions): Promise<App>;
  /** A user made by others than us, with a clientId or without; answers its UserId. */
  signUpElsewhere(clientId?: string): Promise<string>;
}

/** Builds a world that ends with the test that called this. */
export async function createWorld(options: WorldOptions = {}): Promise<World> {
  const { prefix = `{test-${randomUUID()}}` } = options;
  const redisUrl = inject('redisUrl');
  const sandbox = await startSandbox({ ...options.sandbox, modes: { ...options.modes } });
  onTestFinished(() => sandbox.close());
  const target: RedisTarget = options.redis?.target ?? { kind: 'url', url: redisUrl };
  // The commands that tests call are the same on a cluster.
  const redis = connectRedis(target) as Redis;
  onTestFinished(() => redis.disconnect());
  // A Redis of the test's own ends with it.
  if (options.redis === undefined) onTestFinished(() => sweep(redis, prefix));
  const jobs = new Queue('user-jobs', { connection: redis, prefix });
  // Without a listener BullMQ prints what a test does to Redis.
  jobs.on('error', () => undefined);
  onTestFinished(() => jobs.close());

  const env: Record<string, string> & { EVENTS_QUEUES: string } = {
    ...(options.redis?.env ?? { REDIS_URL: options.redisUrlOfWorker ?? redisUrl }),
    QUEUE_PREFIX: prefix,
    DAMOOV_BASE_URL: sandbox.url,
    DAMOOV_INSTANCE_ID: SANDBOX_CREDENTIALS.instanceId,
    DAMOOV_INSTANCE_KEY: SANDBOX_CREDENTIALS.instanceKey,
    DAMOOV_ADMIN_EMAIL: SANDBOX_CREDENTIALS.adminEmail,
    DAMOOV_ADMIN_PASSWORD: SANDBOX_CREDENTIALS.adminPassword,
    DELETIONS_PER_HOUR: '1000000',
    BACKOFF_BASE_MS: '20',
    BACKOFF_MAX_MS: '200',
    HTTP_PORT: '0',
    EVENTS_QUEUES: 'user-events',
    ...options.env,
  };
  const logLines: string[] = [];
  const log = pino({ level: 'debug' }, { write: (line: string) => void logLines.push(line) });
  const startWorker = async (appOptions?: AppOptions): Promise<App> => {
    const timings = { ...SHORT_PROBES, lagMs: LAG_MS, ...options.timings };
    const app = await startApp(cheapConfig(env), log, timings, appOptions);
    onTestFinished(() => app.close());
    return app;
  };
  if (options.startsWorker ?? true) await startWorker();
  const subscription = await subscribe(target, prefix, env.EVENTS_QUEUES.split(',')[0] ?? '');
  const { events } = subscription;
  const eventOf = (jobId: string) =>
    inTime(subscription.eventOf(jobId), async () => {
      const state = await jobs.getJobState(jobId);
      const lines = logLines.filter((line) => line.includes(`"jobId":"${jobId}"`));
      return `job ${jobId} is ${state} and has no event: ${lines.slice(-3).join('')}`;
    });

  const add: World['add'] = async (name, data, options) => {
    const { id } = await jobs.add(name, data, options);
    if (id === undefined) throw new Error('the job got no id');
    return id;
  };
  const control = async (path: string, init?: RequestInit) => {
    const response = await fetch(`${sandbox.url}/_sandbox${path}`, init);
    if (!response.ok) throw new Error(`the sandbox answered ${response.status}: ${await response.text()}`);
    return response.json();
  };
  return {
    env,
    prefix,
    sandboxUrl: sandbox.url,
    jobs,
    redis,
    logLines,
    events,
    eventOf,
    add,
    run: async (name, data, options) => eventOf(await add(name, data, options)),
    setModes: async (modes) =>
      void (await control('/modes', { method: 'PATCH', body: JSON.stringify(modes) })),
    async requests(operation) {
      const all = (await control('/requests')) as SandboxRequest[];
      return operation === undefined ? all : all.filter((request) => request.operation === operation);
    },
    users: async () => ((await control('')) as { users: SandboxUser[] }).users,
    startWorker,
    async signUpElsewhere(clientId) {
      const userId = randomUUID();
      const response = await fetch(`${sandbox.url}/v1/Registration/create`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          instanceid: SANDBOX_CREDENTIALS.instanceId,
          instancekey: SANDBOX_CREDENTIALS.instanceKey,
        },
        body: JSON.stringify({ CustomToken: userId, UserFields: { ClientId: clientId } }),
      });
      if (!response.ok) throw new Error(`the sandbox answered ${response.status}`);
      return userId;
    },
  };
}

/** Takes events off a queue as a subscribing service would. */
export async function subscribe(redis: string | RedisTarget, prefix: string, queue: string) {
  const events: UserEvent[] = [];
  const waiting = new Map<string, (event: UserEvent) => void>();
  const connection = connectRedis(typeof redis === 'string' ? { kind: 'url', url: redis } : redis);
  const worker = new Worker(
    queue,
    async ({ name, data }) => {
      const event = UserEvent.parse(data);
      if (event.type !== name) throw new Error(`event ${event.type} came under the name ${name}`);
      events.push(event);
      waiting.get(event.data.jobId)?.(event);
    },
    { connection, prefix },
  );
  worker.on('error', () => undefined);
  onTestFinished(async () => {
    await worker.close();
    connection.disconnect();
  });
  await worker.waitUntilReady();
  return {
    events,
    async eventOf(jobId: string): Promise<UserEvent> {
      const known = events.find((event) => event.data.jobId === jobId);
      if (known !== undefined) return known;
      const { promise, resolve } = Promise.withResolvers<UserEvent>();
      waiting.set(jobId, resolve);
      return promise;
    },
  };
}

async function sweep(redis: Redis, prefix: string): Promise<void> {
  const pattern = `${prefix}*`;
  for await (const keys of redis.scanStream({ match: pattern, count: 1000 }) as AsyncIterable<string[]>) {
    if (keys.length > 0) await redis.unlink(...keys);
  }
}
