import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Redis } from 'ioredis';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { UserEvents, UserJobs } from '../../src/index.ts';
import { type RedisTarget, connectRedis, unlock, placeOf, reachRedis } from '../../src/redis/connection.ts';
import { runCommand } from '../support/run-command.ts';
import { startRedisNode } from '../support/redis-node.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { createWorld } from '../support/world.ts';

/** A Redis of the test's own that asks for a password. */
async function startGuarded() {
  const dir = await mkdtemp(join(tmpdir(), 'guarded-'));
  const password = 'the right one';
  const node = await startRedisNode({ dir, lines: [`requirepass "${password}"`], access: { password } });
  onTestFinished(async () => {
    await node.close();
    await rm(dir, { recursive: true, force: true });
  });
  return { node, place: `127.0.0.1:${node.port}`, password };
}

const REFUSED = 'Redis refuses the user or password';

describe('where a Redis is', () => {
  it.each<[RedisTarget, string]>([
    [{ kind: 'url', url: 'redis://user:secret@redis.example/3' }, 'redis.example:6379'],
    [{ kind: 'url', url: 'rediss://:secret@[::1]:7000' }, '[::1]:7000'],
    [
      {
        kind: 'cluster',
        nodes: [
          { host: 'a', port: 1 },
          { host: '::1', port: 2 },
        ],
        password: 'secret',
      },
      'a:1, [::1]:2',
    ],
    [
      { kind: 'sentinel', sentinels: [{ host: 'a', port: 1 }], master: 'main', sentinelPassword: 'secret' },
      'main of the sentinels a:1',
    ],
  ])('is reported by host and port alone', (target, place) => expect(placeOf(target)).toBe(place));
});

it('a connection that has ended keeps no process when it is let go of', async () => {
  const connection = connectRedis({ kind: 'url', url: inject('redisUrl') });
  await connection.ping();
  const ended = once(connection, 'end');
  unlock(connection);
  await ended;
  const timers = () => process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length;
  const before = timers();
  unlock(connection);
  expect(timers()).toBe(before);
});

describe('a database that cannot be selected is a refusal, and nothing is done in another one', () => {
  it.each([
    ['which Redis does not have', '/99', '+@all'],
    ['whose user may not choose one', '/3', '-select'],
  ])('%s', async (_title, database, rule) => {
    const { node, place, password } = await startGuarded();
    await node.asked.call('ACL', 'SETUSER', 'default', rule);
    const url = `redis://:${encodeURIComponent(password)}@${place}${database}`;
    const message = `Redis refuses the database that its URL names (${place}): SELECT; name one that it has`;
    const before = await node.asked.info('keyspace');
    await expect(reachRedis({ kind: 'url', url }, 5000)).rejects.toThrow(message);
    const users = new UserJobs({ redis: url });
    onTestFinished(() => users.close());
    const refused = { message: expect.stringContaining(message), isRefusal: true, mayHaveBeenApplied: false };
    await expect(users.create({ clientId: 'c-1' })).rejects.toMatchObject(refused);
    const told: Error[] = [];
    const events = new UserEvents({ redis: url, onError: (error) => told.push(error) }, () => {});
    onTestFinished(() => events.close({ graceMs: 0 }));
    await expect.poll(() => told).toMatchObject([refused]);
    expect((await runCommand(['status'], { REDIS_URL: url })).stderr).toContain(message);
    const doctor = await runCommand(['doctor'], { REDIS_URL: url });
    expect(doctor.stdout).toMatch(/^fail {2}redis .*\n +→ correct the user or the password, or the database/);
    const world = await createWorld({ startsWorker: false, redisUrlOfWorker: url });
    const worker = await world.startWorker();
    await expect
      .poll(() => world.logLines.join(''))
      .toContain('refuses the database that its URL names: the');
    const { checks } = (await (await fetch(`${worker.url}/readyz`)).json()) as { checks: object };
    expect(checks).toMatchObject({ redis: { ok: false, reason: expect.stringContaining(message) } });
    expect(told).toHaveLength(1);
    expect(await node.asked.info('keyspace')).toBe(before);
  });

  it('also where it could be selected before', async () => {
    const { node, place, password } = await startGuarded();
    const url = `redis://:${encodeURIComponent(password)}@${place}/3`;
    const told: (string | undefined)[] = [];
    const connection = connectRedis({ kind: 'url', url }, (_state, reason) => told.push(reason));
    // As BullMQ makes one for calls that block.
    const another = (connection as Redis).duplicate();
    another.on('error', () => {});
    onTestFinished(() => [connection, another].forEach((one) => one.disconnect()));
    await Promise.all([connection.set('one', '1'), another.set('another', '1')]);
    await node.asked.call('ACL', 'SETUSER', 'default', '-select');
    await node.asked.call('CLIENT', 'KILL', 'SKIPME', 'yes');
    await expect.poll(() => told.at(-1)).toBe('SELECT');
    const late = Promise.all([connection.set('one', '2'), another.set('another', '2')]);
    await node.asked.call('ACL', 'SETUSER', 'default', '+select');
    expect(await late).toEqual(['OK', 'OK']);
    expect(await node.asked.info('keyspace')).not.toContain('db0');
    expect(await connection.mget('one', 'another')).toEqual(['2', '2']);
  });
});

describe('a wrong password is a refusal, and no absence', () => {
  it.each([
    ['a wrong one', 'redis://:wrong@', 'WRONGPASS'],
    ['none', 'redis://', 'NOAUTH'],
  ])('with %s', async (_title, scheme, code) => {
    const { place } = await startGuarded();
    const url = `${scheme}${place}`;
    const message = `${REFUSED} (${place}): ${code}`;
    await expect(reachRedis({ kind: 'url', url }, 5000)).rejects.toThrow(message);
    const users = new UserJobs({ redis: url });
    onTestFinished(() => users.close());
    await expect(users.create({ clientId: 'c-1' })).rejects.toMatchObject({ message, isRefusal: true });
    const told = await new Promise<Error>((resolve) => {
      const events = new UserEvents({ redis: url, onError: resolve }, () => {});
      onTestFinished(() => events.close({ graceMs: 0 }));
    });
    expect(told.message).toBe(message);
    expect(await runCommand(['status'], { REDIS_URL: url })).toMatchObject({
      status: 1,
      stderr: `${message}\n`,
    });
    const doctor = await runCommand(['doctor'], { REDIS_URL: url });
    expect(doctor.stdout).toMatch(/^fail {2}redis .*\n +→ correct the user or the password/);
  });

  it('in the log and in /readyz of a worker', async () => {
    const { place } = await startGuarded();
    const world = await createWorld({ startsWorker: false, redisUrlOfWorker: `redis://:wrong@${place}` });
    const { url } = await world.startWorker();
    await expect
      .poll(() => world.logLines.join(''))
      .toContain(`"place":"${place}","reason":"WRONGPASS","msg":"${REFUSED}`);
    const { checks } = (await (await fetch(`${url}/readyz`)).json()) as { checks: Record<string, unknown> };
    expect(checks['redis']).toEqual({ ok: false, reason: `${REFUSED} (${place}): WRONGPASS` });
  });

  it('also of a Redis that was away before', async () => {
    const { node, place } = await startGuarded();
    const proxy = await startTcpProxy(`redis://${place}`);
    onTestFinished(() => proxy.close());
    await proxy.sever();
    const told: (string | undefined)[] = [];
    const { host } = new URL(proxy.url);
    const connection = connectRedis({ kind: 'url', url: `redis://:wrong@${host}` }, (_state, reason) =>
      told.push(reason),
    );
    onTestFinished(() => connection.disconnect());
    await expect.poll(() => told).toEqual(['ECONNREFUSED']);
    await proxy.restore();
    await expect.poll(() => told).toEqual(['ECONNREFUSED', 'WRONGPASS']);
    expect(node.isAlive).toBe(true);
  });
});
