import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { setImmediate } from 'node:timers/promises';
import { inspect } from 'node:util';
import { Redis } from 'ioredis';
import { describe, expect, inject, it, onTestFinished, vi } from 'vitest';
import { loadConfig } from '../../src/config/config.ts';
import { ResultUnknownError } from '../../src/client/job-result.ts';
import { ClosedError } from '../../src/client/redis-link.ts';
import { InvalidJobError } from '../../src/client/requests.ts';
import { ResultTimeoutError } from '../../src/client/results.ts';
import { UserJobs, type UserJobsOptions } from '../../src/client/user-jobs.ts';
import { RedisAwayError } from '../../src/redis/connection.ts';
import { COMPILE_CACHE } from '../support/compile-cache.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { type World, type WorldOptions, createWorld } from '../support/world.ts';

function producerIn(world: World, options: Partial<UserJobsOptions> = {}): UserJobs {
  const { REDIS_URL: redis = '' } = world.env;
  const users = new UserJobs({ redis, prefix: world.prefix, failAfterMs: 20_000, ...options });
  onTestFinished(() => users.close());
  return users;
}

function caught(call: () => unknown): Error {
  try {
    call();
  } catch (error) {
    if (error instanceof Error) return error;
  }
  throw new Error('nothing was thrown');
}

async function createProducerWorld(options: WorldOptions = {}) {
  const world = await createWorld(options);
  return { world, users: producerIn(world) };
}

describe('a producer', () => {
  it('has a user made, changed and deleted, and is told each result with its type and data', async () => {
    const { world, users } = await createProducerWorld();
    const created = await (
      await users.create({ clientId: 'c-1', profile: { firstName: 'Ada' }, correlationId: 'r-1' })
    ).result();
    expect(created).toMatchObject({ type: 'user.created', data: { clientId: 'c-1', correlationId: 'r-1' } });
    const { userId } = created.data;

    const updated = await (
      await users.update({ clientId: 'c-1', changes: { phone: '+44', firstName: null } })
    ).result();
    expect(updated).toEqual({
      type: 'user.updated',
      data: expect.objectContaining({ userId, changed: expect.arrayContaining(['phone', 'firstName']) }),
    });
    expect((await world.users())[0]).toMatchObject({ deviceToken: userId, phone: '+44' });

    const deletion = await users.delete({ clientId: 'c-1' });
    expect(deletion.is).toBe('scheduled');
    expect(await deletion.result()).toMatchObject({ type: 'user.deleted', data: { userId, existed: true } });
    expect((await world.users())[0]?.deletedAt).not.toBeNull();
  });

  it('is told the same of a job as those who receive its event', async () => {
    const { world, users } = await createProducerWorld();
    const jobs = [
      await users.create({ clientId: 'c-1' }),
      await users.delete({ clientId: 'c-1', userId: randomUUID() }),
      await users.create({ clientId: 'c-2', instance: 'unheard-of' }),
    ];
    const results = await Promise.all(jobs.map((job) => job.result()));
    expect(new Set(results.map(({ type }) => type))).toEqual(new Set(['user.created', 'user.failed']));
    for (const [index, { type, data }] of results.entries()) {
      const event = await world.eventOf(jobs[index]?.id ?? '');
      expect({ type: event.type, data: event.data }).toEqual({ type, data });
    }
  });

  it('adds nothing that no worker would carry out, and names every fault but no value', async () => {
    const { world, users } = await createProducerWorld({ startsWorker: false });
    const wrong = { clientId: '', profile: { fistName: 'Ada', phone: 7 } } as never;
    const adding = users.create(wrong);
    await expect(adding).rejects.toThrow(InvalidJobError);
    await expect(adding).rejects.toThrow(/clientId.*; .*phone.*; .*fistName/);
    await expect(adding).rejects.not.toThrow('Ada');
    await expect(users.update({ changes: { phone: '1' } })).rejects.toThrow('needs clientId or userId');
    await expect(users.update({ clientId: 'c', changes: {} })).rejects.toThrow('must change something');
    await expect(users.delete({})).rejects.toThrow(InvalidJobError);
    await expect(users.delete({ clientId: 'c' }, { in: '3 fortnights' })).rejects.toThrow('in: must be');
    await expect(users.delete({ clientId: 'c' }, { at: 'tomorrow' })).rejects.toThrow('at: must be');
    await expect(users.delete({ clientId: 'c' }, { in: 1, at: new Date() })).rejects.toThrow('only one');
    await expect(users.rescheduleDeletion({ clientId: 'c' }, {})).rejects.toThrow('one of them is needed');
    await expect(users.rescheduleDeletion({ clientId: '' }, { in: 1 })).rejects.toThrow(InvalidJobError);
    await expect(users.cancelDeletion({ clientId: '' })).rejects.toThrow(InvalidJobError);
    await expect(users.create({ occurredAt: new Date(Number.NaN) })).rejects.toThrow('occurredAt');
    await expect(users.create(undefined as never)).rejects.toThrow(InvalidJobError);
    const keys = await world.redis.keys(`${world.prefix}:user-jobs:*`);
    // The world's own queue writes its metadata when it gets round to it.
    expect(keys.filter((key) => !key.endsWith(':meta'))).toEqual([]);
  });

  it('writes its job, and leaves the metadata of the queue to the workers', async () => {
    const world = await createWorld({ startsWorker: false });
    const elsewhere = `{test-${randomUUID()}}`;
    const { id } = await producerIn(world, { prefix: elsewhere }).create({ clientId: 'c-1' });
    const keys = await world.redis.keys(`${elsewhere}:*`);
    onTestFinished(async () => void (await world.redis.unlink(...keys)));
    expect(keys).toContain(`${elsewhere}:user-jobs:${id}`);
    // BullMQ's script adds the length of the stream of events, if it is not there.
    expect(await world.redis.hkeys(`${elsewhere}:user-jobs:meta`)).toEqual(['opts.maxLenEvents']);
  });

  it('counts calls for one user in their order, also within a millisecond', async () => {
    const { world, users } = await createProducerWorld({ startsWorker: false });
    const phones = Array.from({ length: 50 }, (_, n) => `${n}`);
    const jobs = await Promise.all([
      users.create({ clientId: 'c-1' }),
      ...phones.map((phone) => users.update({ clientId: 'c-1', changes: { phone } })),
    ]);
    const stamps = await Promise.all(
      jobs.map(async ({ id }) => (await world.jobs.getJob(id))?.timestamp ?? 0),
    );
    expect(stamps).toEqual([...new Set(stamps)].sort((a, b) => a - b));
    await world.startWorker();
    await Promise.all(jobs.map((job) => job.result()));
    expect((await world.users()).map(({ phone }) => phone)).toEqual(['49']);
  });

  it('is believed that a user came back after a deletion was asked for, also within a millisecond', async () => {
    const { world, users } = await createProducerWorld();
    for (let n = 0; n < 20; n += 1) {
      await users.create({ clientId: `c-${n}` });
      const deletion = await users.delete({ clientId: `c-${n}` }, { in: '1d' });
      await (await users.create({ clientId: `c-${n}`, profile: { firstName: 'Back' } })).result();
      await (await world.jobs.getJob(deletion.id))?.promote();
      expect(await deletion.result()).toMatchObject({ type: 'user.superseded', data: { by: 'create' } });
    }
    expect(await world.requests('delete')).toEqual([]);
  });

  it('is believed so also where the clock ticks while the deletion is on its way', async () => {
    const atMs = Date.now();
    const clock = vi.spyOn(Date, 'now').mockReturnValue(atMs - 1);
    onTestFinished(() => clock.mockRestore());
    const { world, users } = await createProducerWorld({ startsWorker: false });
    const { id: first } = await users.create({ clientId: 'c-1' });
    clock.mockReturnValue(atMs);
    const deleting = users.delete({ clientId: 'c-1' }, { in: '1d' });
    clock.mockReturnValue(atMs + 1);
    const deletion = await deleting;
    const back = await users.create({ clientId: 'c-1' });
    clock.mockRestore();
    expect(deletion.requestedAt.getTime()).toBe(atMs);
    expect((await world.jobs.getJob(back.id))?.timestamp).toBe(atMs + 1);
    await world.startWorker();
    await Promise.all([users.job(first).result(), back.result()]);
    await (await world.jobs.getJob(deletion.id))?.promote();
    expect(await deletion.result()).toMatchObject({ type: 'user.superseded', data: { by: 'create' } });
    expect(await world.requests('delete')).toEqual([]);
  });

  it('defers, moves and cancels a deletion', async () => {
    const { world, users } = await createProducerWorld();
    await (await users.create({ clientId: 'c-1' })).result();
    const first = await users.delete({ clientId: 'c-1' }, { in: '30d' });
    expect(first.is).toBe('scheduled');
    expect(first.dueAt.getTime()).toBeGreaterThan(Date.now() + 29 * 24 * 3_600_000);
    expect(await users.delete({ clientId: 'c-1' }, { in: '1d' })).toMatchObject({
      is: 'exists',
      dueAt: first.dueAt,
    });
    const at = new Date(Date.now() + 3_600_000);
    expect(await users.rescheduleDeletion({ clientId: 'c-1' }, { at })).toMatchObject({
      is: 'moved',
      dueAt: at,
    });
    await expect(first.result({ timeoutMs: 50 })).rejects.toThrow(ResultTimeoutError);
    expect(await users.cancelDeletion({ clientId: 'c-1' })).toBe('cancelled');
    expect(await first.result()).toMatchObject({ type: 'user.superseded', data: { by: 'cancellation' } });
    expect(await users.rescheduleDeletion({ clientId: 'c-1' }, { in: '1d' })).toBe('none');
    expect(await users.cancelDeletion({ clientId: 'c-2' })).toBe('none');
    expect(await world.requests('delete')).toEqual([]);
    expect(await users.delete({ clientId: 'c-1' }, { in: '1d', reschedules: true })).toMatchObject({
      is: 'scheduled',
    });
  });

  it('waits for a result that comes later, and for one that was there before', async () => {
    const { world, users } = await createProducerWorld({ startsWorker: false });
    const job = await users.create({ clientId: 'c-1' });
    const results = [job.result(), users.job(job.id).result()];
    await world.startWorker();
    const [result, again] = await Promise.all(results);
    expect(result).toMatchObject({ type: 'user.created' });
    expect(again).toEqual(result);
    expect(await producerIn(world).job(job.id).result()).toEqual(result);
    await expect(users.job('nobody-knows-it').result()).rejects.toThrow(ResultUnknownError);
    const ended = new AbortController();
    const other = await users.delete({ clientId: 'c-1' }, { in: '1d' });
    const waiting = other.result({ signal: ended.signal });
    ended.abort(new Error('no longer interested'));
    await expect(waiting).rejects.toThrow('no longer interested');
  });
});

describe('an idempotency key', () => {
  it('adds a job once, whoever adds it again, and tells nothing of itself', async () => {
    const { world, users } = await createProducerWorld({ startsWorker: false });
    const add = (from: UserJobs) => from.create({ clientId: 'c-1' }, { idempotencyKey: 'ada@example.com' });
    const [first, again, elsewhere] = [await add(users), await add(users), await add(producerIn(world))];
    expect(new Set([first.id, again.id, elsewhere.id]).size).toBe(1);
    expect(first.id).not.toContain('ada');
    expect(await world.jobs.getWaitingCount()).toBe(1);
    await users.update({ clientId: 'c-1', changes: { phone: '1' } }, { idempotencyKey: 'ada@example.com' });
    expect(await world.jobs.getWaitingCount()).toBe(2);
  });

  it('never makes one job of two requests', async () => {
    const { world, users } = await createProducerWorld({ startsWorker: false });
    const key = { idempotencyKey: '1' };
    await users.create({ clientId: 'c-1', occurredAt: new Date('2026-01-31') }, key);
    await users.create({ occurredAt: new Date(), clientId: 'c-1', correlationId: 'r-2' }, key);
    expect(await world.jobs.getWaitingCount()).toBe(1);
    await users.create({ clientId: 'c-2' }, key);
    await users.create({ clientId: 'c-1', instance: 'eu' }, key);
    expect(await world.jobs.getWaitingCount()).toBe(3);
    for (const idempotencyKey of ['', ' ', null as never, {} as never]) {
      await expect(users.create({ clientId: 'c-3' }, { idempotencyKey })).rejects.toThrow(
        'idempotencyKey: must',
      );
    }
    expect(await world.jobs.getWaitingCount()).toBe(3);
  });

  it('is not needed for one call: a lost answer makes no second job', async () => {
    const world = await createWorld({ startsWorker: false });
    const proxy = await startTcpProxy(world.env['REDIS_URL'] ?? '');
    onTestFinished(() => proxy.close());
    const users = producerIn(world, { redis: proxy.url });
    await users.create({ clientId: 'c-0' });
    const dropped = proxy.dropReplies(3, `${world.prefix}:user-jobs:`);
    const jobs = [];
    for (let n = 1; n <= 6; n += 1) jobs.push(await users.create({ clientId: `c-${n}` }));
    await dropped;
    expect(await world.jobs.getWaitingCount()).toBe(7);
    expect(new Set(jobs.map(({ id }) => id)).size).toBe(6);
  });
});

describe('a producer whose Redis refuses', () => {
  it('says what Redis says, and nothing of what was to be written', async () => {
    const world = await createWorld({ startsWorker: false });
    const name = `reader-${randomUUID()}`;
    await world.redis.call('ACL', 'SETUSER', name, 'on', '>secret', '~*', '&*', '+@all', '-@scripting');
    onTestFinished(async () => void (await world.redis.call('ACL', 'DELUSER', name)));
    const url = new URL(world.env['REDIS_URL'] ?? '');
    Object.assign(url, { username: name, password: 'secret' });
    const users = producerIn(world, { redis: url.href });
    const user = { clientId: 'c-1', profile: { email: 'ada@example.com' } };
    const calls = [
      () => users.create(user),
      () => users.createMany([user]),
      () => users.delete({ clientId: 'c-1', reason: 'ada@example.com' }),
    ];
    for (const call of calls) {
      const error: unknown = await call().catch((error: unknown) => error);
      expect(error).toMatchObject({ name: 'RedisRefusedError', code: 'NOPERM' });
      expect(inspect(error, { depth: 9, showHidden: true })).not.toContain('ada@example.com');
    }
  });
});

describe('a producer that cannot be meant', () => {
  it.each([undefined, '', 'localhost:6379', 'http://localhost', { url: 'redis://localhost' }])(
    'with redis %j is refused',
    (redis) => {
      expect(() => new UserJobs({ redis: redis as never })).toThrow('redis: must be');
    },
  );

  it.each([
    ['redis://h/abc', 'a number where it names a database'],
    ['redis://h/-1', 'a number where it names a database'],
    ['redis://h?db=9', 'percent-encoded'],
    ['redis://user:99#kret@h', 'percent-encoded'],
    ['redis://:%zz@h', 'percent-encoded'],
  ])('with redis %j is refused, and its password not told', (redis, fault) => {
    const refusal = /^redis: must (?:name a host|have no)/;
    const error = caught(() => new UserJobs({ redis }));
    expect(error.message).toMatch(refusal);
    expect(error.message).toContain(fault);
    expect(inspect(error)).not.toContain('kret');
    expect(caught(() => loadConfig({ REDIS_URL: redis })).message).toContain(fault);
  });

  it('with a mistyped option, or one that is undefined where it decides when, adds nothing', async () => {
    const { users, world } = await createProducerWorld({ startsWorker: false });
    const user = { clientId: 'c-1' };
    for (const due of [
      { in: undefined },
      { at: undefined },
      { In: '30d' },
      { delay: 1 },
      { dueAt: new Date() },
    ]) {
      const [name = ''] = Object.keys(due);
      await expect(users.delete(user, due as never)).rejects.toThrow(`${name}: `);
      await expect(users.rescheduleDeletion(user, { in: '1d', ...due } as never)).rejects.toThrow(
        InvalidJobError,
      );
    }
    await expect(users.create(user, { idempotencykey: 'k' } as never)).rejects.toThrow(
      'idempotencykey: no such option',
    );
    await expect(users.createMany([user], { chunk: 1, signal: 7 } as never)).rejects.toThrow(
      'signal: must be an object with aborted; chunk: no such option',
    );
    await expect(users.job('1').result({ timeout: 1 } as never)).rejects.toThrow('timeout: no such option');
    for (const maxWaiting of [Number.NaN, 0, -1, null]) {
      const adding = users.createMany([user], { maxWaiting: maxWaiting as never });
      await expect(adding).rejects.toThrow('maxWaiting: must be a number from 1, or Infinity');
    }
    expect(await world.jobs.getJobCountByTypes('waiting', 'delayed', 'prioritized')).toBe(0);
  });

  it.each([Number.NaN, -1, 2 ** 31, '800'])('that fails after %j ms is refused', (failAfterMs) => {
    const options = { redis: 'redis://127.0.0.1:1', failAfterMs: failAfterMs as number };
    expect(() => new UserJobs(options)).toThrow('failAfterMs: must be');
  });
});

it('a producer whose options cannot be meant is told each fault, and opens nothing', () => {
  const options = {
    redis: 'kret',
    prefix: '',
    queue: 'a:b',
    failAfterMs: -1,
    telemetry: {},
    prefx: 5,
  };
  const connect = vi.spyOn(Redis.prototype, 'connect');
  onTestFinished(() => connect.mockRestore());
  const error = caught(() => new UserJobs(options as never));
  expect(error).toBeInstanceOf(TypeError);
  expect(error.message.replaceAll(/: [^;]*/g, '').split('; ')).toEqual(Object.keys(options));
  expect(inspect(error)).not.toContain('kret');
  expect(caught(() => new UserJobs({ redis: 'redis://h', prefix: 5 as never })).message).toContain('prefix');
  expect(() => new UserJobs(undefined as never)).toThrow(TypeError);
  expect(connect).not.toHaveBeenCalled();
});

describe('a producer that is closed', () => {
  it('says so, and that nothing was done', async () => {
    const { users } = await createProducerWorld({ startsWorker: false });
    await users.create({ clientId: 'c-0' });
    await users.close();
    const calls = [
      () => users.create({ clientId: 'c-1' }),
      () => users.update({ clientId: 'c-1', changes: { phone: '1' } }),
      () => users.delete({ clientId: 'c-1' }),
      () => users.rescheduleDeletion({ clientId: 'c-1' }, { in: '1d' }),
      () => users.cancelDeletion({ clientId: 'c-1' }),
      () => users.createMany([{ clientId: 'c-1' }]),
      () => users.job('one').result(),
    ];
    for (const call of calls) {
      const error: unknown = await call().catch((error: unknown) => error);
      expect(error).toBeInstanceOf(ClosedError);
      expect(error).toMatchObject({ name: 'ClosedError', mayHaveBeenApplied: false });
    }
    await users.close();
  });

  it('says of a call under way whether it may have been done', async () => {
    const world = await createWorld({ startsWorker: false });
    const proxy = await startTcpProxy(world.env['REDIS_URL'] ?? '');
    onTestFinished(() => proxy.close());
    const users = producerIn(world, { redis: proxy.url });
    await users.create({ clientId: 'c-0' });
    proxy.stall();
    const adding = users.create({ clientId: 'c-1' });
    // It is on its way to Redis by then.
    await setImmediate();
    await setImmediate();
    await users.close();
    await expect(adding).rejects.toMatchObject({ name: 'ClosedError', mayHaveBeenApplied: true });
  });

  it('is closed where its block ends', async () => {
    const world = await createWorld({ startsWorker: false });
    let outside: UserJobs;
    {
      await using users = new UserJobs({ redis: inject('redisUrl'), prefix: world.prefix });
      await users.create({ clientId: 'c-1' });
      outside = users;
    }
    await expect(outside.create({ clientId: 'c-2' })).rejects.toThrow(ClosedError);
    expect(await world.jobs.getWaitingCount()).toBe(1);
  });
});

describe('a producer whose Redis is away', () => {
  it('fails at once instead of keeping jobs, and goes on by itself once Redis is back', async () => {
    const world = await createWorld({ startsWorker: false });
    const proxy = await startTcpProxy(world.env['REDIS_URL'] ?? '');
    onTestFinished(() => proxy.close());
    await proxy.sever();
    // It may well be made before Redis is there.
    const users = producerIn(world, { redis: proxy.url, failAfterMs: 300 });
    const patient = producerIn(world, { redis: proxy.url });
    const unsent = { name: 'RedisAwayError', mayHaveBeenApplied: false };
    await Promise.all([
      expect(users.create({ clientId: 'c-1' })).rejects.toMatchObject(unsent),
      expect(users.delete({ clientId: 'c-1' }, { in: '1d' })).rejects.toThrow(RedisAwayError),
      expect(users.cancelDeletion({ clientId: 'c-1' })).rejects.toThrow(RedisAwayError),
      expect(users.createMany([{ clientId: 'c-1' }])).rejects.toThrow(RedisAwayError),
    ]);
    const adding = patient.create({ clientId: 'c-2' });
    await proxy.restore();
    await adding;
    expect(await world.jobs.getWaitingCount()).toBe(1);
    expect((await world.jobs.getWaiting())[0]?.data).toEqual({ clientId: 'c-2' });

    await proxy.sever();
    await expect(users.create({ clientId: 'c-3' })).rejects.toThrow(RedisAwayError);
    await proxy.restore();
    await patient.create({ clientId: 'c-4' });
    await expect
      .poll(() =>
        users.create({ clientId: 'c-5' }).then(
          () => 'added',
          () => 'away',
        ),
      )
      .toBe('added');
    const added = (await world.jobs.getWaiting()).map(({ data }) => data.clientId);
    expect(new Set(added)).toEqual(new Set(['c-2', 'c-4', 'c-5']));
    expect(added).toHaveLength(3);
  });

  it('says so where Redis is silent, and that the job may have been added', async () => {
    const world = await createWorld({ startsWorker: false });
    const proxy = await startTcpProxy(world.env['REDIS_URL'] ?? '');
    onTestFinished(() => proxy.close());
    const users = producerIn(world, { redis: proxy.url, failAfterMs: 300 });
    await expect
      .poll(() =>
        users.create({ clientId: 'c-0' }).then(
          () => 'added',
          () => 'away',
        ),
      )
      .toBe('added');
    proxy.stall();
    const adding = users.create({ clientId: 'c-1' }, { idempotencyKey: 'c-1' });
    await expect(adding).rejects.toMatchObject({ name: 'RedisAwayError', mayHaveBeenApplied: true });
    proxy.resume();
    await expect
      .poll(() =>
        users.create({ clientId: 'c-1' }, { idempotencyKey: 'c-1' }).then(
          () => 'added',
          () => 'away',
        ),
      )
      .toBe('added');
    expect(await world.jobs.getWaitingCount()).toBe(2);
  });

  it('still closes, and ends those who wait for a result', async () => {
    const world = await createWorld({ startsWorker: false });
    const proxy = await startTcpProxy(world.env['REDIS_URL'] ?? '');
    onTestFinished(() => proxy.close());
    const users = producerIn(world, { redis: proxy.url });
    const job = await users.create({ clientId: 'c-1' });
    const waiting = job.result();
    await proxy.sever();
    const adding = users.create({ clientId: 'c-2' });
    await users.close();
    await expect(waiting).rejects.toThrow(ClosedError);
    await expect(adding).rejects.toThrow(ClosedError);
    await expect(users.create({ clientId: 'c-3' })).rejects.toThrow(ClosedError);
  });

  it('lets its process end, whatever it still waits for', async () => {
    const world = await createWorld({ startsWorker: false });
    const proxy = await startTcpProxy(world.env['REDIS_URL'] ?? '');
    onTestFinished(() => proxy.close());
    const program = `
      import { UserEvents, UserJobs } from './src/index.ts';
      const options = { redis: ${JSON.stringify(proxy.url)}, prefix: ${JSON.stringify(world.prefix)} };
      const users = new UserJobs({ ...options, failAfterMs: 20_000 });
      const job = await users.create({ clientId: 'c-1' });
      const events = new UserEvents(options, () => {});
      job.result().catch(({ name }) => console.log(name));
      console.log('waits');
      process.stdin.once('data', async () => {
        process.stdin.destroy();
        await Promise.all([users.close(), events.close()]);
        console.log('closed');
      });
    `;
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
      env: { ...process.env, ...COMPILE_CACHE },
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    let output = '';
    child.stdout.on('data', (data: Buffer) => (output += data.toString()));
    await expect.poll(() => output).toBe('waits\n');
    await proxy.sever();
    child.stdin.write('close\n');
    const [status] = await once(child, 'exit');
    expect([status, output]).toEqual([0, 'waits\nClosedError\nclosed\n']);
    const closed = producerIn(world);
    await closed.close();
    await expect(closed.job('x').result()).rejects.toThrow('closed');
  });

  it.each([
    ['an InvalidJobError', "await users.create({ clientId: ' ' })"],
    ['a RedisAwayError', "await away.create({ clientId: 'c-1' })"],
    ['nothing', "await users.create({ clientId: 'c-1' })"],
    ['a ResultTimeoutError', "await (await users.create({ clientId: 'c-1' })).result({ timeoutMs: 100 })"],
  ])('lets its process end that has caught %s and does not close it', async (caught, statement) => {
    const { env, prefix } = await createWorld({ startsWorker: false });
    const program = `
      import { UserJobs } from './src/index.ts';
      const prefix = ${JSON.stringify(prefix)};
      const users = new UserJobs({ redis: ${JSON.stringify(env['REDIS_URL'])}, prefix });
      const away = new UserJobs({ redis: 'redis://127.0.0.1:1', prefix });
      try {
        ${statement};
        console.log('nothing');
      } catch ({ name }) {
        console.log(name);
      }
    `;
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
      env: { ...process.env, ...COMPILE_CACHE },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    const [output, [status]] = await Promise.all([text(child.stdout), once(child, 'exit')]);
    expect([status, output.trim()]).toEqual([0, caught.split(' ').at(-1)]);
  });

  it('does not wait for a result longer than it was told to, where Redis is silent', async () => {
    const world = await createWorld({ startsWorker: false });
    const proxy = await startTcpProxy(world.env['REDIS_URL'] ?? '');
    onTestFinished(() => proxy.close());
    const users = producerIn(world, { redis: proxy.url });
    const job = await users.create({ clientId: 'c-1' });
    proxy.stall();
    const stop = new AbortController();
    const [late, stopped] = [job.result({ timeoutMs: 50 }), job.result({ signal: stop.signal })];
    await expect(late).rejects.toThrow(ResultTimeoutError);
    stop.abort(new Error('enough'));
    await expect(stopped).rejects.toThrow('enough');
    // All this while no answer came: the connection has not even been given up yet.
    proxy.resume();
    await world.startWorker();
    expect(await job.result()).toMatchObject({ type: 'user.created' });
  });

  it('is told a result that came while the line was cut', async () => {
    const world = await createWorld({ startsWorker: false });
    const proxy = await startTcpProxy(world.env['REDIS_URL'] ?? '');
    onTestFinished(() => proxy.close());
    const users = producerIn(world, { redis: proxy.url });
    const job = await users.create({ clientId: 'c-1' });
    const waiting = job.result({ timeoutMs: 60_000 });
    await proxy.sever();
    await world.startWorker();
    await world.eventOf(job.id);
    await proxy.restore();
    expect(await waiting).toMatchObject({ type: 'user.created', data: { clientId: 'c-1' } });
  });
});

describe('many sign-ups', () => {
  it('are read on only as the queue takes them, and each becomes one job', async () => {
    const { world, users } = await createProducerWorld({ startsWorker: false });
    let read = 0;
    let added = 0;
    function* rows() {
      for (let n = 0; n < 2000; n += 1) {
        read += 1;
        // One chunk at most is in hand.
        expect(read - added).toBeLessThanOrEqual(100);
        yield { clientId: `c-${n}`, idempotencyKey: `import/${n}` };
      }
    }
    const ids: string[] = [];
    const done = await users.createMany(rows(), {
      chunkSize: 100,
      onChunk: (jobIds, addedSoFar) => {
        ids.push(...jobIds);
        added = addedSoFar;
      },
    });
    expect(done).toEqual({ added: 2000, repeated: 0, invalid: 0 });
    expect(new Set(ids).size).toBe(2000);
    expect(await world.jobs.getPrioritizedCount()).toBe(2000);
    added = 2000;
    read = 0;
    expect(await users.createMany(rows())).toEqual({ added: 0, repeated: 2000, invalid: 0 });
    expect(await world.jobs.getPrioritizedCount()).toBe(2000);
  });

  it('count as added only where the queue gains a job', async () => {
    const { world, users } = await createProducerWorld({ startsWorker: false });
    const keyed = (n: number) => ({ clientId: `c-${n}`, idempotencyKey: `import/${n}` });
    await users.create({ clientId: 'c-1' }, { idempotencyKey: 'import/1' });
    const rows = [keyed(1), keyed(2), keyed(2), { clientId: 'c-3' }, { clientId: 'c-3' }, keyed(2), keyed(4)];
    const told: number[] = [];
    const done = await users.createMany(rows, { chunkSize: 3, onChunk: (_ids, added) => told.push(added) });
    expect([done, told]).toEqual([{ added: 4, repeated: 3, invalid: 0 }, [1, 3, 4]]);
    expect(await world.jobs.getJobCountByTypes('waiting', 'prioritized')).toBe(5);
  });

  it('are counted right also where the answer to a chunk is lost', async () => {
    const world = await createWorld({ startsWorker: false });
    const proxy = await startTcpProxy(world.env['REDIS_URL'] ?? '');
    onTestFinished(() => proxy.close());
    const users = producerIn(world, { redis: proxy.url });
    await users.create({ clientId: 'c-0' });
    // Of the jobs themselves, not of what is asked about their keys.
    const dropped = proxy.dropReplies(1, 'in-a-job');
    const rows = [1, 2].map((n) => ({ clientId: `in-a-job-${n}`, idempotencyKey: `import/${n}` }));
    const adding = users.createMany(rows);
    await dropped;
    expect(await adding).toEqual({ added: 2, repeated: 0, invalid: 0 });
    expect(await world.jobs.getPrioritizedCount()).toBe(2);
  });

  it('wait while the queue is full', async () => {
    const { world, users } = await createProducerWorld({ startsWorker: false });
    const counts: Promise<number>[] = [];
    const rows = Array.from({ length: 60 }, (_, n) => ({ clientId: `c-${n}` }));
    const adding = users.createMany(rows, {
      chunkSize: 10,
      maxWaiting: 20,
      onChunk: () => counts.push(world.jobs.getJobCountByTypes('prioritized', 'active')),
    });
    await expect.poll(() => world.jobs.getPrioritizedCount()).toBe(20);
    await world.startWorker();
    expect(await adding).toEqual({ added: 60, repeated: 0, invalid: 0 });
    // A chunk came only where fewer than 20 were left.
    for (const count of await Promise.all(counts)) expect(count).toBeLessThan(20 + 10);
  });

  it('that are invalid end the call before their chunk is added, or are told and skipped', async () => {
    const { world, users } = await createProducerWorld({ startsWorker: false });
    const rows = [{ clientId: 'c-0' }, { clientId: 'c-1' }, { clientId: '' }, { clientId: 'c-3' }];
    await expect(users.createMany(rows, { chunkSize: 2 })).rejects.toMatchObject({
      name: 'InvalidJobError',
      index: 2,
      // As people count; the index is that of an array.
      message: expect.stringContaining('row 3: clientId'),
    });
    expect(await world.jobs.getPrioritizedCount()).toBe(2);
    const told: (number | undefined)[] = [];
    const cyclic: Record<string, unknown> = { clientId: 'c-5' };
    cyclic['profile'] = cyclic;
    const worse = [...rows, null as never, cyclic as never, { clientId: 'c-6', idempotencyKey: '' }];
    expect(await users.createMany(worse, { onInvalid: ({ index }) => told.push(index) })).toEqual({
      added: 3,
      repeated: 0,
      invalid: 4,
    });
    expect(told).toEqual([2, 4, 5, 6]);
    const rejecting = users.createMany(rows, { onInvalid: () => Promise.reject(new Error('told')) });
    await expect(rejecting).rejects.toThrow('told');
  });

  it.each([
    [[1, 10_000], 'taken'],
    [[0, 1.5, 10_001, Number.NaN], 'refused'],
  ])('in chunks of %j are %s', async (sizes, what) => {
    const { users } = await createProducerWorld({ startsWorker: false });
    for (const chunkSize of sizes) {
      const done = await users.createMany([], { chunkSize }).catch(({ message }: Error) => message);
      expect(done).toEqual(
        what === 'taken'
          ? { added: 0, repeated: 0, invalid: 0 }
          : 'chunkSize: must be a whole number from 1 to 10000',
      );
    }
  });

  it('are told chunk by chunk, and none of it is empty', async () => {
    const { users } = await createProducerWorld({ startsWorker: false });
    const told: number[] = [];
    const rows = [{ clientId: 'c-1' }, { clientId: 'c-2' }];
    await users.createMany(rows, { chunkSize: 1, onChunk: (ids) => told.push(ids.length) });
    expect(told).toEqual([1, 1]);
  });

  it('stop also while they wait for room', async () => {
    const { world, users } = await createProducerWorld({ startsWorker: false });
    const stop = new AbortController();
    const rows = [{ clientId: 'c-1' }, { clientId: 'c-2' }];
    const adding = users.createMany(rows, { chunkSize: 1, maxWaiting: 1, signal: stop.signal });
    await expect.poll(() => world.jobs.getPrioritizedCount()).toBe(1);
    stop.abort(new Error('enough'));
    await expect(adding).rejects.toThrow('enough');
    expect(await world.jobs.getPrioritizedCount()).toBe(1);
  });

  it('stop also among rows that are all invalid, and let others go on meanwhile', async () => {
    const { users } = await createProducerWorld({ startsWorker: false });
    const stop = new AbortController();
    setTimeout(() => stop.abort(new Error('enough')), 1);
    function* rows() {
      for (;;) yield { clientId: 7 };
    }
    const adding = users.createMany(rows() as never, { onInvalid: () => {}, signal: stop.signal });
    await expect(adding).rejects.toThrow('enough');
  });

  it('stop between two chunks when they are told to', async () => {
    const { world, users } = await createProducerWorld({ startsWorker: false });
    const stop = new AbortController();
    const rows = Array.from({ length: 30 }, (_, n) => ({ clientId: `c-${n}` }));
    const adding = users.createMany(rows, {
      chunkSize: 10,
      signal: stop.signal,
      onChunk: () => stop.abort(new Error('enough')),
    });
    await expect(adding).rejects.toThrow('enough');
    expect(await world.jobs.getPrioritizedCount()).toBe(10);
  });
});
