import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { describe, expect, inject, it, onTestFinished, vi } from 'vitest';
import { type RedisLinkOptions, openRedisLink } from '../../src/client/redis-link.ts';
import { UserJobs } from '../../src/client/user-jobs.ts';
import { startRedisNode } from '../support/redis-node.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';

function openLink(url: string, options: Partial<RedisLinkOptions> = {}) {
  const warnings: string[] = [];
  const onWarning = (message: string) => void warnings.push(message);
  const link = openRedisLink({ kind: 'url', url }, { failAfterMs: 20_000, onWarning, ...options });
  onTestFinished(() => link.close());
  return { link, connection: link.connection, warnings, ping: () => link.call(() => link.connection.ping()) };
}

async function startProxy(rewrite?: (reply: Buffer) => Buffer) {
  const proxy = await startTcpProxy(inject('redisUrl'), rewrite);
  onTestFinished(() => proxy.close());
  return proxy;
}

/** The Redis of the run, which says that it has this version. */
async function redisOfVersion(version: string): Promise<string> {
  const asIfOf = (_all: string, name: string, real: string) =>
    `${name}${`${version}.`.padEnd(real.length, '0')}`;
  const { url } = await startProxy((reply) =>
    Buffer.from(reply.toString('latin1').replace(/(redis_version:)([\d.]+)/, asIfOf), 'latin1'),
  );
  return url;
}

describe('a Redis', () => {
  it.each(['5.9', '6.1'])('of version %s is too old for every call', async (version) => {
    const { ping } = openLink(await redisOfVersion(version));
    const unfit = { name: 'UnfitRedisError', message: `Redis ${version} is too old: 6.2 is needed` };
    await expect(ping()).rejects.toMatchObject(unfit);
    await expect(ping()).rejects.toMatchObject(unfit);
  });

  it.each(['6.2', '7.0', '9.1'])('of version %s will do', async (version) => {
    const { ping, warnings } = openLink(await redisOfVersion(version));
    expect(await ping()).toBe('PONG');
    expect(warnings).toEqual([]);
  });

  it('that does not say which it is will do', async () => {
    const redis = new Redis(inject('redisUrl'));
    onTestFinished(() => redis.disconnect());
    const username = `user-${randomUUID()}`;
    await redis.call('ACL', 'SETUSER', username, 'on', '>secret', '~*', '&*', '+@all', '-info');
    onTestFinished(async () => void (await redis.call('ACL', 'DELUSER', username)));
    const noted = vi.spyOn(console, 'warn').mockReturnValue(); // ioredis asks as well
    onTestFinished(() => noted.mockRestore());
    const url = Object.assign(new URL(inject('redisUrl')), { username, password: 'secret' });
    const { ping, warnings } = openLink(url.href);
    expect(await ping()).toBe('PONG');
    expect(warnings).toEqual([]);
  });

  it('that may evict jobs does its work, and its operator is warned', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'redis-link-'));
    onTestFinished(() => rm(dir, { recursive: true }));
    const node = await startRedisNode({ dir, lines: ['maxmemory-policy allkeys-lru'] });
    onTestFinished(() => node.close());
    const url = `redis://127.0.0.1:${node.port}`;
    const { ping, warnings } = openLink(url);
    expect(await ping()).toBe('PONG');
    expect(warnings).toEqual([
      'Redis may evict jobs: its maxmemory-policy is allkeys-lru, and should be noeviction',
    ]);
    // A producer that is not told whom to warn.
    const warning = once(process, 'warning');
    const users = new UserJobs({ redis: url });
    onTestFinished(() => users.close());
    expect(await warning).toMatchObject([{ message: warnings[0] }]);
  });
});

describe('a call', () => {
  it('fails once Redis could not be reached in time, however long it may take itself, and says why', async () => {
    const proxy = await startProxy();
    await proxy.sever();
    const { link, connection } = openLink(proxy.url, { failAfterMs: 200 });
    await expect(link.call(() => connection.ping(), { withinMs: Infinity })).rejects.toMatchObject({
      name: 'RedisAwayError',
      message: `Redis is away (${new URL(proxy.url).host}): ECONNREFUSED`,
      mayHaveBeenApplied: false,
    });
  });

  it('fails once it has taken too long, and may have been carried out', async () => {
    const { link, ping } = openLink(inject('redisUrl'));
    await ping();
    const { promise: answer, reject } = Promise.withResolvers<void>();
    await expect(link.call(() => answer, { withinMs: 20 })).rejects.toMatchObject({
      name: 'RedisAwayError',
      mayHaveBeenApplied: true,
    });
    // Nobody waits for its end any more.
    reject(new Error('too late'));
    await setImmediate();
  });

  it('may take for ever where it is told so', async () => {
    const { link, connection, ping } = openLink(inject('redisUrl'));
    await ping();
    const many = async () => {
      for (let n = 0; n < 200; n += 1) await connection.ping();
      return 'done';
    };
    expect(await link.call(many, { withinMs: Infinity })).toBe('done');
  });

  it('whose answer is lost is made again only where it is repeatable', async () => {
    const proxy = await startProxy();
    const { link, connection, ping } = openLink(proxy.url);
    const key = `{test-${randomUUID()}}`;
    onTestFinished(async () => void (await connection.del(key)));
    await ping();
    const count = () => connection.incr(key);
    const dropped = proxy.dropReplies(1, key);
    await expect(link.call(count)).rejects.toMatchObject({
      name: 'RedisAwayError',
      mayHaveBeenApplied: true,
    });
    await dropped;
    expect(await link.call(count)).toBe(2);
    const droppedAgain = proxy.dropReplies(1, key);
    expect(await link.call(count, { isRepeatable: true })).toBe(4);
    await droppedAgain;
  });
});
