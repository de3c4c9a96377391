import { randomUUID } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { RedisLink } from '../../src/client/redis-link.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';

function openLink(url: string, failAfterMs = 20_000) {
  const link = new RedisLink({ kind: 'url', url }, failAfterMs);
  onTestFinished(() => link.close());
  return { link, connection: link.connection, ping: () => link.call(() => link.connection.ping()) };
}

async function startProxy() {
  const proxy = await startTcpProxy(inject('redisUrl'));
  onTestFinished(() => proxy.close());
  return proxy;
}

describe('a call', () => {
  it('fails once Redis could not be reached in time, however long it may take itself, and says why', async () => {
    const proxy = await startProxy();
    await proxy.sever();
    const { link, connection } = openLink(proxy.url, 200);
    await expect(link.call(() => connection.ping(), { withinMs: 20_000 })).rejects.toMatchObject({
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
    // No caller waits for its end any more.
    reject(new Error('too late'));
    await setImmediate();
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
