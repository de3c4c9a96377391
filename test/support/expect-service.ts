/**
 * What every kind of Redis has to carry: the worker, the library of those who ask, that of those who listen, and the commands; and
 * the same work with its master killed in the middle.
 */
import { expect, onTestFinished } from 'vitest';
import type { UserEvent } from '../../src/contract/event.ts';
import { UserEvents, type UserEventsOptions } from '../../src/client/user-events.ts';
import { UserJobs, type UserJobsOptions } from '../../src/client/user-jobs.ts';
import type { RedisTarget } from '../../src/redis/connection.ts';
import type { RedisTopology } from './redis-topology.ts';
import { runCommand } from './run-command.ts';
import { type World, createWorld } from './world.ts';

type RedisOfATest = Pick<RedisTopology, 'target' | 'env'>;

/** A call waits for as long as a fail-over may take on a busy machine. */
const PATIENCE_MS = 100_000;

export function produceIn(
  { prefix }: World,
  redis: RedisTarget,
  options: Partial<UserJobsOptions> = {},
): UserJobs {
  const users = new UserJobs({ redis, prefix, failAfterMs: PATIENCE_MS, ...options });
  onTestFinished(() => users.close());
  return users;
}

/** Takes the events off a queue of its own; answers who has what, by job. */
export function listenIn({ prefix }: World, redis: RedisTarget, options: Partial<UserEventsOptions> = {}) {
  const idsOf = new Map<string, Set<string>>();
  const users = new Map<string, Set<string>>();
  const subscriber = new UserEvents({ redis, prefix, queue: 'crm', ...options }, (event: UserEvent) => {
    const { jobId, clientId, userId } = event.data;
    idsOf.set(jobId, (idsOf.get(jobId) ?? new Set()).add(event.id));
    if (clientId === undefined || userId === undefined) return;
    users.set(clientId, (users.get(clientId) ?? new Set()).add(userId));
  });
  onTestFinished(() => subscriber.close({ graceMs: 1000 }));
  return { idsOf, users };
}

/** Runs a command that must succeed, and answers the first line that it printed, as JSON. */
async function ask(env: Record<string, string>, ...args: string[]): Promise<unknown> {
  const { status, stdout, stderr } = await runCommand([...args, '--json'], env);
  expect(status, stderr).toBe(0);
  return JSON.parse(stdout.split('\n')[0] ?? '');
}

/** Those who ask something of Redis beside the worker, where they have an access of their own. */
export interface OwnAccess {
  producer?: RedisTarget;
  subscriber?: RedisTarget;
  commands?: Record<string, string>;
  /** Default: a unique one. */
  prefix?: string;
}

/** A sign-up: requested, created, reported to the producer and the subscriber, and counted. */
export async function expectSignUp(redis: RedisOfATest, own: OwnAccess = {}) {
  const { prefix } = own;
  const world = await createWorld({
    redis,
    prefix,
    env: { EVENTS_QUEUES: 'user-events,crm' },
  });
  const users = produceIn(world, own.producer ?? redis.target);
  const heard = listenIn(world, own.subscriber ?? redis.target);
  const env = { ...world.env, ...own.commands };
  const created = await users.create({ clientId: 'c-1', profile: { firstName: 'Ada' } });
  const { type, data } = await created.result({ timeoutMs: PATIENCE_MS });
  expect([type, data.clientId]).toEqual(['user.created', 'c-1']);
  await expect.poll(() => heard.users.get('c-1')).toEqual(new Set([data.userId]));
  expect(await ask(env, 'status')).toMatchObject({ lastHour: [{ outcome: 'done', jobs: 1 }] });
  return { world, users, heard, env };
}

/** One of everything. */
export async function expectService(redis: RedisOfATest, own: OwnAccess = {}): Promise<World> {
  const { world, users, heard, env } = await expectSignUp(redis, own);
  await users.createMany([{ clientId: 'c-2' }, { clientId: 'c-3' }], { maxWaiting: 100 });
  await expect.poll(() => heard.users.size).toBe(3);

  const later = await users.delete({ clientId: 'c-1' }, { in: '30d' });
  expect(await ask(env, 'deletions', 'list')).toMatchObject({ jobId: later.id });
  expect(await users.rescheduleDeletion({ clientId: 'c-1' }, { in: '31d' })).toMatchObject({ is: 'moved' });
  expect(await ask(env, 'deletions', 'cancel', '--client-id', 'c-1')).toMatchObject({ is: 'cancelled' });
  const deletion = await users.delete({ clientId: 'c-1' });
  expect(await deletion.result({ timeoutMs: PATIENCE_MS })).toMatchObject({ type: 'user.deleted' });

  const { data } = await world.run('create-user', { clientId: '' });
  expect(await ask(env, 'failed', 'list')).toMatchObject({ jobs: [{ jobId: data.jobId }] });
  const [events] = await Promise.all([
    ask(env, 'events', '--last', '1', '--type', 'user.deleted'),
    ask(env, 'failed', 'drop', '--yes'),
  ]);
  expect(events).toMatchObject({ type: 'user.deleted', subject: expect.any(String) });
  return world;
}

/** Sign-ups go on while the master dies: each has one user and one event id, and nothing is left. */
export async function expectNothingLost(redis: RedisTopology, jobs: number): Promise<World> {
  const world = await createWorld({
    redis,
    env: { EVENTS_QUEUES: 'user-events,crm', WORKER_CONCURRENCY: '10' },
    modes: { latencyMs: [5, 50] },
    timings: { lockMs: 4000 },
  });
  const users = produceIn(world, redis.target);
  const heard = listenIn(world, redis.target);
  const results: Promise<unknown>[] = [];
  const ids: string[] = [];
  const adding = (async () => {
    for (let n = 0; n < jobs; n += 1) {
      const job = await users.create({ clientId: `c-${n}` });
      ids.push(job.id);
      results.push(job.result({ timeoutMs: PATIENCE_MS }));
    }
  })();
  await expect.poll(() => heard.idsOf.size).toBeGreaterThan(jobs / 4);
  await redis.killMaster(world.prefix);
  await adding;

  await expect.poll(() => heard.idsOf.size).toBe(jobs);
  // An event's id bears the timestamp of its job.
  const heardOf = (id: string) =>
    [...(heard.idsOf.get(id) ?? [])].map((one) => one.replace(/\/\d{13}\//, '/'));
  expect(ids.map(heardOf)).toEqual(ids.map((id) => [`${id}/user.created`]));
  await Promise.all(results);
  // It cost no attempt.
  expect(world.logLines.filter((line) => line.includes('"attempt":2'))).toEqual([]);
  const made = await world.users();
  expect(made).toHaveLength(jobs);
  expect(new Set(made.map(({ clientId }) => clientId))).toEqual(new Set(ids.map((_, n) => `c-${n}`)));
  const left = () => world.jobs.getJobCounts('waiting', 'active', 'delayed', 'prioritized', 'failed');
  await expect.poll(left).toEqual({ waiting: 0, active: 0, delayed: 0, prioritized: 0, failed: 0 });
  return world;
}
