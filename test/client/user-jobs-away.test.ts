import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { setImmediate } from 'node:timers/promises';
import { inspect } from 'node:util';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { ClosedError } from '../../src/client/redis-link.ts';
import { ResultTimeoutError } from '../../src/client/results.ts';
import { UserJobs } from '../../src/client/user-jobs.ts';
import { RedisAwayError } from '../../src/redis/connection.ts';
import { COMPILE_CACHE } from '../support/compile-cache.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { createWorld } from '../support/world.ts';
import { createProducerWorld, producerIn } from './producer-world.ts';

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
