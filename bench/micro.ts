/**
 * The benchmark of what a job takes in our own process, step by step and without any I/O, beside the least that any worker does:
 * one JSON.parse of the job.
 */
import { randomUUID } from 'node:crypto';
import { Bench } from 'tinybench';
import { pino } from 'pino';
import { eventOf } from '../src/contract/event.ts';
import { parseJobText } from '../src/contract/job.ts';
import { createBody, readCreatedUser } from '../src/damoov/wire.ts';
import { readEnvelope } from '../src/damoov/envelope.ts';
import { deriveUserId } from '../src/operations/derive-user-id.ts';
import type { Notification } from '../src/ops/notifications.ts';
import { createLogWriter } from '../src/ops/log.ts';
import { createMetrics } from '../src/ops/metrics.ts';
import { redacted } from '../src/ops/redacted.ts';
import { hashesOf, hashIdFor } from '../src/store/users/user-hash.ts';
import { readJob, retainedDataOf } from '../src/lifecycle/job-data.ts';
import { createJobCipher } from '../src/lifecycle/encryption.ts';
import { signUpFor } from './damoov.ts';
import { type Section, overRounds } from './figures.ts';
import type { PartOptions } from './part.ts';
import { roundsFor } from './rounds.ts';

/** Number of calls per sample: a single one is shorter than the clock's resolution. */
const CALLS = 50;
const TIME_MS = 200;
const QUICK_TIME_MS = 40;
const BASELINE = 'JSON.parse of the job, as any worker does it';

export async function micro(options: PartOptions): Promise<Section[]> {
  const steps = stepsOf();
  const rounds: Map<string, number>[] = [];
  options.onProgress(`${steps.size} steps of a job`);
  for (let round = 0; round < roundsFor(options); round++) {
    options.signal?.throwIfAborted();
    const bench = new Bench({ time: options.isQuick ? QUICK_TIME_MS : TIME_MS, warmupTime: 20 });
    const inOrder = [...steps];
    for (const [what, step] of round % 2 === 0 ? inOrder : inOrder.toReversed()) bench.add(what, many(step));
    await bench.run();
    rounds.push(new Map(bench.tasks.map(({ name, result }) => [name, usOf(result)])));
  }
  const ofRounds = (what: string) => rounds.map((round) => round.get(what) ?? Number.NaN);
  const names = [...steps.keys()];
  const own = names.filter((what) => what !== BASELINE);
  const sums = rounds.map((_, round) => own.reduce((sum, what) => sum + (ofRounds(what)[round] ?? 0), 0));
  return [
    {
      title: 'Steps of a job in our own process, without I/O',
      figures: [
        ...names.map((what) => overRounds({ name: camel(what), what, unit: 'us' }, ofRounds(what))),
        overRounds({ name: 'allSteps', what: 'all of ours together', unit: 'us' }, sums),
        overRounds(
          { name: 'allStepsRatio', what: 'all of ours, to that one JSON.parse', unit: 'x' },
          sums.map((sum, round) => sum / (ofRounds(BASELINE)[round] ?? Number.NaN)),
        ),
      ],
    },
  ];
}

function many(step: () => unknown): () => void {
  return () => {
    for (let call = 0; call < CALLS; call++) step();
  };
}

function usOf(result: Bench['tasks'][number]['result']): number {
  if (!('latency' in result)) throw new Error('a step was not measured');
  return (result.latency.p50 * 1000) / CALLS;
}

function camel(what: string): string {
  return what.replaceAll(/[^A-Za-z]+(\w?)/g, (_, letter: string) => letter.toUpperCase());
}

/** What the way of one sign-up calls, each once; a job is another one each time, as nothing may be remembered. */
function stepsOf(): Map<string, () => unknown> {
  const userId = randomUUID();
  const clientId = 'customer-0004711';
  const signUp = signUpFor(clientId);
  const text = JSON.stringify(signUp);
  const job = { id: '4711', name: 'create-user', text, timestamp: Date.now() };
  const instance = { id: randomUUID(), key: randomUUID(), secret: randomUUID() };
  const cipher = createJobCipher(new Map([['default', instance]]));
  const read = readJob(job, cipher, job.timestamp);
  const answer = JSON.stringify({
    Result: { DeviceToken: userId, AccessToken: null, RefreshToken: null },
    Status: 200,
    Title: '',
    Errors: [],
  });
  const outcome = { status: 'done', type: 'user.created', userId, existed: false } as const;
  const context = {
    source: '/damoov-users/damoov/user-jobs',
    timestamp: job.timestamp,
    jobId: '4711',
    operation: 'create-user',
    instance: 'default',
    clientId,
    attempts: 1,
    now: Date.now(),
  };
  const event = eventOf(outcome, context);
  const kept = { outcome, attempts: 1, at: context.now };
  const notification: Notification = {
    is: 'run-ended',
    run: {
      jobId: '4711',
      operation: 'create-user',
      instance: 'default',
      attempt: 1,
      decision: { next: 'complete', outcome, event },
      durationMs: 12,
      sinceDueMs: 15,
    },
  };
  const log = pino({ level: 'info', base: null, formatters: { log: redacted } }, { write: () => undefined });
  const write = createLogWriter(log, { hasAdmin: true });
  const metrics = createMetrics({
    version: '0',
    status: async () => {
      throw new Error('nobody asks');
    },
  });
  return new Map<string, () => unknown>([
    [BASELINE, () => JSON.parse(text) as unknown],
    ['validating the job', () => parseJobText('create-user', text)],
    ['deriving the UserId', () => deriveUserId(instance, { clientId })],
    [
      'naming its record in the userState',
      () => hashesOf(hashIdFor(instance), { clientId, userId }, { id: '4711', timestamp: 0 }),
    ],
    [
      'writing the request',
      () => JSON.stringify(createBody({ ...signUp.profile, clientId, customToken: userId })),
    ],
    ['reading the answer', () => readCreatedUser(200, readEnvelope(answer)?.result)],
    ['composing the event', () => eventOf(outcome, context)],
    ['what is left of the job', () => retainedDataOf(kept, read, job, cipher)],
    ['writing the log line', () => write(notification)],
    ['counting for the metrics', () => metrics.count(notification)],
  ]);
}
