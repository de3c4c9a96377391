/**
 * `npm run demo`: the whole way of real jobs, on real parts: a Redis of its own, the sandbox, a worker process. Exits 0
 * only if every job ended as it should and the sandbox's users say so too. `-- 500`: the deferred deletion is due after so many
 * milliseconds.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { styleText } from 'node:util';
import { Queue, Worker } from 'bullmq';
import { aligned } from '../src/cli/terminal/text.ts';
import { loadConfig } from '../src/config/config.ts';
import type { UserEvent } from '../src/contract/event.ts';
import { connectRedis } from '../src/redis/connection.ts';
import { startRedisServer } from '../src/dev/embedded-server.ts';
import { SANDBOX_CREDENTIALS, startSandbox } from '../src/sandbox/server.ts';

interface Step {
  name: 'create-user' | 'update-user' | 'delete-user';
  data: Record<string, unknown>;
  what: string;
  expects: UserEvent['type'];
  delayMs?: number;
  /** The one whose user has to exist first. */
  after?: string;
}

const DEFERRED_MS = Number(process.argv[2] ?? 3000);
const DEADLINE_MS = 30_000;
const LATE = `Not all events came within ${DEADLINE_MS / 1000} s.`;

const person = (clientId: string, firstName: string, lastName: string): Step => ({
  name: 'create-user',
  data: { clientId, profile: { firstName, lastName, email: `${clientId}@example.com` } },
  what: `${firstName} ${lastName} signs up`,
  expects: 'user.created',
});

const STEPS: Step[] = [
  person('ada', 'Ada', 'Lovelace'),
  person('grace', 'Grace', 'Hopper'),
  person('karl', 'Karl', 'Benz'),
  person('bertha', 'Bertha', 'Benz'),
  person('nils', 'Nils', 'Bohlin'),
  {
    name: 'update-user',
    data: { clientId: 'ada', changes: { phone: '+44 20 7946 0000' } },
    what: 'Ada has a new phone number',
    expects: 'user.updated',
    after: 'ada',
  },
  {
    name: 'update-user',
    data: { clientId: 'grace', changes: { nickname: 'Amazing Grace', email: null } },
    what: 'Grace has a nickname, and no email any more',
    expects: 'user.updated',
    after: 'grace',
  },
  {
    name: 'delete-user',
    data: { clientId: 'karl', reason: 'account closed' },
    what: 'Karl closes his account',
    expects: 'user.deleted',
    after: 'karl',
  },
  {
    name: 'delete-user',
    data: { clientId: 'bertha', reason: 'account closed' },
    what: `Bertha closes hers, due in ${DEFERRED_MS / 1000} s`,
    expects: 'user.deleted',
    delayMs: DEFERRED_MS,
    after: 'bertha',
  },
];

/** A step that was enqueued. */
interface Running {
  step: Step;
  jobId: string;
  dueAt: number;
  event?: UserEvent;
  ms?: number;
}

const bold = (text: string): string => styleText('bold', text);
const dim = (text: string): string => styleText('dim', text);
const say = (line = ''): void => console.log(line);

const closing: (() => Promise<unknown>)[] = [];
const { promise: interrupted, resolve: interrupt } = Promise.withResolvers<string>();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupt('Interrupted.'));
// The reader of the output may stop reading: `npm run demo | head`.
process.stdout.on('error', () => interrupt('Nobody reads any more.'));
process.chdir(fileURLToPath(new URL('..', import.meta.url)));

try {
  process.exitCode = (await demo()) ? 0 : 1;
} catch (error) {
  console.error(
    styleText(
      'red',
      `\nThe demo did not get through: ${error instanceof Error ? error.message : String(error)}`,
    ),
  );
  process.exitCode = 1;
} finally {
  for (const close of closing.toReversed()) await close();
}

async function demo(): Promise<boolean> {
  const prefix = `{damoov-demo-${randomUUID().slice(0, 8)}}`;
  say(bold('\nA sign-up goes in, a UserId comes out\n'));

  const redisUrl = await startRedis();
  const sandbox = await startSandbox();
  closing.push(() => sandbox.close());
  say(`  ${bold('Damoov')}   ${sandbox.url}  ${dim('the built-in sandbox')}`);

  const connection = connectRedis({ kind: 'url', url: redisUrl });
  closing.push(async () => connection.disconnect());
  const answer = await Promise.race([connection.ping(), interrupted, timeout(5000, 'no answer within 5 s')]);
  if (answer !== 'PONG') throw new Error(`Redis: ${answer}`);
  const jobs = new Queue('user-jobs', { connection, prefix });
  const events = new Queue('user-events', { connection, prefix });
  closing.push(() => Promise.all([jobs.obliterate({ force: true }), events.obliterate({ force: true })]));

  const worker = await startWorker({
    REDIS_URL: redisUrl,
    QUEUE_PREFIX: prefix,
    // Whatever a .env says: the demo shows the events.
    JOBS_QUEUE: 'user-jobs',
    EVENTS_QUEUES: 'user-events',
    DAMOOV_BASE_URL: sandbox.url,
  });
  say(`  ${bold('Worker')}   process ${worker.pid}  ${dim('a process of its own')}\n`);

  const running: Running[] = [];
  const enqueue = async (step: Step): Promise<void> => {
    const dueAt = Date.now() + (step.delayMs ?? 0);
    const job = await jobs.add(
      step.name,
      step.data,
      step.delayMs === undefined ? {} : { delay: step.delayMs },
    );
    running.push({ step, jobId: job.id ?? '', dueAt });
    say(`  ${styleText('cyan', '→')} job ${(job.id ?? '').padEnd(2)} ${step.name}  ${dim(step.what)}`);
  };

  const subscriberConnection = connectRedis({ kind: 'url', url: redisUrl });
  closing.push(async () => subscriberConnection.disconnect());
  const { promise: allSettled, resolve } = Promise.withResolvers<'settled'>();
  const subscriber = new Worker<UserEvent>(
    'user-events',
    async ({ data: event }) => {
      const run = running.find(({ jobId }) => jobId === event.data.jobId);
      if (run === undefined || run.event !== undefined) return;
      run.event = event;
      run.ms = Date.now() - run.dueAt;
      const mark = event.type === run.step.expects ? styleText('green', '←') : styleText('red', '←');
      say(`  ${mark} job ${run.jobId.padEnd(2)} ${bold(event.type)}  ${event.subject ?? ''}`);
      const clientId = event.data.clientId;
      const next = STEPS.filter(({ after }) => event.type === 'user.created' && after === clientId);
      for (const step of next) await enqueue(step);
      if (running.length === STEPS.length && running.every(({ event }) => event !== undefined))
        resolve('settled');
    },
    { connection: subscriberConnection, prefix },
  );
  closing.push(() => subscriber.close());
  await subscriber.waitUntilReady();

  for (const step of STEPS.filter(({ after }) => after === undefined)) await enqueue(step);
  const end = await Promise.race([allSettled, workerGone(worker), interrupted, timeout(DEADLINE_MS, LATE)]);

  report(running);
  const isTrue = await usersAreAsExpected(sandbox.url);
  const isDone =
    end === 'settled' && running.every(({ step, event }) => event?.type === step.expects) && isTrue;
  if (end !== 'settled') say(styleText('red', `  ${end}\n`));
  if (isDone) {
    say(styleText('green', '  Every job ended as it should, and the users at Damoov say so too.'));
    say(dim('  Next: npm start runs the service, README.md shows how to add jobs of your own.\n'));
  } else {
    say(styleText('red', '  Not everything happened that should have.\n'));
  }
  return isDone;
}

async function startRedis(): Promise<string> {
  const { REDIS_URL } = process.env;
  if (REDIS_URL !== undefined && REDIS_URL !== '') {
    const { redis } = loadConfig({ REDIS_URL });
    if (redis === 'embedded') throw new Error('REDIS_URL is empty');
    say(`  ${bold('Redis')}    the one that REDIS_URL names`);
    return REDIS_URL;
  }
  // Its own, also beside another demo; nothing in it outlasts the demo.
  const dir = `.data/demo-${process.pid}`;
  closing.push(() => rm(dir, { recursive: true, force: true }));
  const redis = await startRedisServer({ dir });
  closing.push(() => redis.stop());
  say(`  ${bold('Redis')}    ${redis.url}  ${dim(`redis-server, append-only file in ${dir}`)}`);
  return redis.url;
}

/** Starts the worker process and waits until it takes jobs. */
async function startWorker(env: Record<string, string>): Promise<ChildProcess> {
  const { instanceId, instanceKey, adminEmail, adminPassword } = SANDBOX_CREDENTIALS;
  const child = spawn(process.execPath, ['src/main.ts', 'worker'], {
    env: {
      PATH: process.env['PATH'],
      ...env,
      DAMOOV_INSTANCE_ID: instanceId,
      DAMOOV_INSTANCE_KEY: instanceKey,
      DAMOOV_ADMIN_EMAIL: adminEmail,
      DAMOOV_ADMIN_PASSWORD: adminPassword,
      DAMOOV_USER_ID_SECRET: 'a secret for this demo only',
      HTTP_PORT: '0',
    },
    stdio: ['ignore', 'inherit', 'pipe'],
  });
  closing.push(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    await exited;
  });
  const { promise: started, resolve } = Promise.withResolvers<void>();
  createInterface({ input: child.stderr }).on('line', (line) => {
    if (line.includes('worker started')) resolve();
    // 40 and above: warnings and errors. The demo prints the rest itself.
    if (!/"level":[123]0\b/.test(line)) console.error(line);
  });
  const early = await Promise.race([started, workerGone(child)]);
  if (early !== undefined) throw new Error(early);
  return child;
}

async function workerGone(worker: ChildProcess): Promise<string> {
  await once(worker, 'exit');
  return 'The worker process ended too early.';
}

function timeout(ms: number, reason: string): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  setTimeout(() => resolve(reason), ms).unref();
  return promise;
}

function report(running: readonly Running[]): void {
  const rows = running.map(({ step, jobId, event, ms }) => [
    `${jobId} ${step.name}`,
    event?.type ?? 'no event',
    event?.subject ?? '',
    ms === undefined ? '' : String(ms),
  ]);
  const [header = '', ...lines] = aligned([['job', 'outcome', 'UserId', 'ms'], ...rows]);
  say(`\n  ${bold(header)}`);
  for (const line of lines) say(`  ${line}`);
  say(dim('\n  ms: from the job falling due to its event\n'));
}

/** The final state of the sandbox, from its own controls. */
async function usersAreAsExpected(sandboxUrl: string): Promise<boolean> {
  const response = await fetch(`${sandboxUrl}/_sandbox`);
  const { users } = (await response.json()) as {
    users: { clientId: string; phone: string | null; email: string | null; deletedAt: string | null }[];
  };
  const live = Object.fromEntries(
    users.filter((user) => user.deletedAt === null).map((user) => [user.clientId, user]),
  );
  return (
    users.length === 5 &&
    Object.keys(live).sort().join() === 'ada,grace,nils' &&
    live['ada']?.phone === '+44 20 7946 0000' &&
    live['grace']?.email === null
  );
}
