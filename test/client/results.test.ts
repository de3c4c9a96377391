import { randomUUID } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { describe, expect, inject, it, onTestFinished, vi } from 'vitest';
import { ResultTimeoutError, Results } from '../../src/client/results.ts';
import { UserJobs } from '../../src/client/user-jobs.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { type World, createWorld } from '../support/world.ts';

function producerIn({ prefix }: World, redis = inject('redisUrl'), failAfterMs = 20_000): UserJobs {
  const users = new UserJobs({ redis, prefix, failAfterMs });
  onTestFinished(() => users.close());
  return users;
}

/** The producer's own connection, and two with which BullMQ listens. */
const LISTENING = 3;

describe('who waits for a result', () => {
  it.each([
    ['done', {}, 'user.created'],
    ['failed', { instance: 'unheard-of' }, 'user.failed'],
  ])('is woken once the job is %s, sooner than it would look for itself', async (_end, user, type) => {
    const users = producerIn(await createWorld());
    const readEnd = async () => {
      const job = await users.create(user);
      // Another one who waits for it, and no longer.
      const gone = new AbortController();
      const given = job.result({ signal: gone.signal }).catch(() => 'gone');
      gone.abort();
      // It looks at once, and after 100 ms.
      const end = await job.result({ timeoutMs: 90 }).catch(() => undefined);
      return [await given, end?.type];
    };
    await expect.poll(readEnd).toEqual(['gone', type]);
  });

  it('has one line to Redis with all who wait, which is let go with the producer', async () => {
    const world = await createWorld();
    const { url, connections } = await createUser(world);
    const users = producerIn(world, url);
    const first = await users.create({ clientId: 'c-1' });
    expect(await connections()).toBe(1);
    await first.result();
    await expect.poll(connections).toBe(LISTENING);
    await (await users.create({ clientId: 'c-2' })).result();
    expect(await connections()).toBe(LISTENING);
    await users.close();
    await expect.poll(connections).toBe(0);
  });

  it('opens nothing once the producer is closed', async () => {
    const world = await createWorld({ startsWorker: false });
    const { url, connections } = await createUser(world);
    const users = producerIn(world, url);
    const job = await users.create({ clientId: 'c-1' });
    await users.close();
    await expect(job.result()).rejects.toThrow('this UserJobs is closed');
    // Another one that connects after that, and alone.
    await producerIn(world, url).create({ clientId: 'c-2' });
    await expect.poll(connections).toBe(1);
  });

  it('is told that the producer is closed', async () => {
    const users = producerIn(await createWorld({ startsWorker: false }));
    const waiting = (await users.create({ clientId: 'c-1' })).result();
    await users.close();
    await expect(waiting).rejects.toMatchObject({ name: 'ClosedError', mayHaveBeenApplied: false });
  });

  it('waits no longer than it was told to for a Redis that is silent, and minds no late answer', async () => {
    const { proxy, connection } = await createProxy();
    const queue = new Queue('user-jobs', { connection, prefix: '{none}' });
    const results = new Results({ queue, connection, target: { kind: 'url', url: inject('redisUrl') } });
    onTestFinished(() => results.close());
    await queue.waitUntilReady();
    proxy.stall();
    await expect(results.of('nobody-knows-it', { timeoutMs: 20 })).rejects.toThrow(ResultTimeoutError);
    proxy.resume();
    expect(await queue.getJob('nobody-knows-it')).toBeUndefined();
    await setImmediate();
  });

  it('has nothing printed while Redis is away', async () => {
    const printed = vi.spyOn(console, 'error').mockReturnValue();
    onTestFinished(() => printed.mockRestore());
    const world = await createWorld({ startsWorker: false });
    const { proxy } = await createProxy();
    const users = producerIn(world, proxy.url, 400);
    const waiting = (await users.create({ clientId: 'c-1' })).result({ timeoutMs: Infinity });
    await proxy.sever();
    // By then all its connections have tried in vain to come back.
    await expect(users.create({ clientId: 'c-2' })).rejects.toThrow('Redis is away');
    await users.close();
    await expect(waiting).rejects.toThrow('this UserJobs is closed');
    expect(printed).not.toHaveBeenCalled();
  });
});

describe('who waits for a result of a Redis that does not tell it', () => {
  it('is told at once that it refuses the password', async () => {
    const world = await createWorld({ startsWorker: false });
    const { url } = await createUser(world);
    const job = await producerIn(world, url).create({ clientId: 'c-1' });
    const wrong = Object.assign(new URL(url), { password: 'wrong' }).href;
    const waiting = producerIn(world, wrong, 300).job(job.id).result({ timeoutMs: Infinity });
    await expect(waiting).rejects.toMatchObject({
      name: 'RedisAwayError',
      isRefusal: true,
      mayHaveBeenApplied: false,
    });
  });

  it.each(['sever', 'stall'] as const)('is told at the end that it is away (%s)', async (how) => {
    const world = await createWorld({ startsWorker: false });
    const { proxy } = await createProxy();
    const { id } = await producerIn(world, proxy.url).create({ clientId: 'c-1' });
    const job = producerIn(world, proxy.url, 200).job(id);
    // It is connected by then.
    await expect
      .poll(() => job.result({ timeoutMs: 0 }).catch(({ name }: Error) => name))
      .toBe('ResultTimeoutError');
    await proxy[how]();
    const error: unknown = await job.result({ timeoutMs: 1000 }).catch((error: unknown) => error);
    expect(error).toMatchObject({ name: 'RedisAwayError', isRefusal: false, mayHaveBeenApplied: false });
    // It comes back while a caller waits.
    const waiting = job.result({ timeoutMs: Infinity });
    await (how === 'sever' ? proxy.restore() : proxy.resume());
    await world.startWorker();
    expect(await waiting).toMatchObject({ type: 'user.created' });
  });
});

describe('a result', () => {
  it('that is there is told also to who does not wait', async () => {
    const users = producerIn(await createWorld());
    const job = await users.create({ clientId: 'c-1' });
    await job.result();
    expect(await job.result({ timeoutMs: 0 })).toMatchObject({ type: 'user.created' });
    const pending = await users.delete({ clientId: 'c-1' }, { in: '1d' });
    await expect(pending.result({ timeoutMs: 0 })).rejects.toThrow(ResultTimeoutError);
  });

  it('of a job that nobody has heard of is not known, and said to be perhaps none', async () => {
    const users = producerIn(await createWorld({ startsWorker: false }));
    await expect(users.job('nobody-knows-it').result()).rejects.toThrow(
      'the queue user-jobs has no job nobody-knows-it: none was added under this id, or it has ended',
    );
  });

  it('that is there is not told to a wait that cannot be meant, or that is over', async () => {
    const users = producerIn(await createWorld());
    const job = await users.create({ clientId: 'c-1' });
    await job.result();
    await expect(job.result({ timeoutMs: -1 })).rejects.toThrow('timeoutMs: must be');
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(job.result({ signal })).rejects.toThrow('enough');
  });

  it('of a job that a stranger has failed is its failure, in his own words', async () => {
    const world = await createWorld({ startsWorker: false });
    const users = producerIn(world);
    const job = await users.update({ clientId: 'c-1', changes: { phone: '1' }, correlationId: 'r-1' });
    const { id: strange = '' } = await world.jobs.add('promote-user', { userId: 7 });
    carryOutElsewhere(world, () => {
      throw new Error('job stalled more than allowable limit');
    });
    const failure = {
      instance: 'default',
      code: 'retries-exhausted',
      message: 'job stalled more than allowable limit',
      attempts: 1,
    };
    expect(await job.result()).toEqual({
      type: 'user.failed',
      data: { ...failure, jobId: job.id, operation: 'update-user', clientId: 'c-1', correlationId: 'r-1' },
    });
    expect(await users.job(strange).result()).toEqual({
      type: 'user.failed',
      data: { ...failure, jobId: strange, operation: 'unknown' },
    });
  });

  it.each(['done', undefined])('of a job that a stranger has ended with %j is not known', async (answer) => {
    const world = await createWorld({ startsWorker: false });
    const job = await producerIn(world).create({ clientId: 'c-1' });
    carryOutElsewhere(world, () => answer);
    await expect(job.result()).rejects.toThrow(`job ${job.id} was not ended by a worker of this contract`);
  });

  it('is not known where Redis refuses to tell it, which is said', async () => {
    const world = await createWorld({ startsWorker: false });
    const { url } = await createUser(world, '-hgetall');
    const job = await producerIn(world, url).create({ clientId: 'c-1' });
    await expect(job.result()).rejects.toMatchObject({ name: 'RedisRefusedError', code: 'NOPERM' });
  });
});

/** The Redis of the run behind a proxy, and a connection to it. */
async function createProxy() {
  const proxy = await startTcpProxy(inject('redisUrl'));
  onTestFinished(() => proxy.close());
  const connection = new Redis(proxy.url, { maxRetriesPerRequest: null });
  connection.on('error', () => {});
  onTestFinished(() => connection.disconnect());
  return { proxy, connection };
}

/** A worker that is none of ours. */
function carryOutElsewhere({ prefix }: World, work: () => unknown): void {
  const connection = new Redis(inject('redisUrl'), { maxRetriesPerRequest: null });
  const worker = new Worker('user-jobs', async () => work(), { connection, prefix });
  onTestFinished(async () => {
    await worker.close();
    connection.disconnect();
  });
}

/** A user of this Redis, and how many connections it has. */
async function createUser({ redis }: World, ...less: string[]) {
  const username = `user-${randomUUID()}`;
  await redis.call('ACL', 'SETUSER', username, 'on', '>secret', '~*', '&*', '+@all', ...less);
  onTestFinished(async () => void (await redis.call('ACL', 'DELUSER', username)));
  const url = Object.assign(new URL(inject('redisUrl')), { username, password: 'secret' }).href;
  const connections = async () =>
    String(await redis.client('LIST'))
      .split('\n')
      .filter((line) => line.includes(` user=${username} `)).length;
  return { url, connections };
}
