import { randomBytes } from 'node:crypto';
import { describe, expect, inject, onTestFinished, test } from 'vitest';
import type { TokenPair } from '../../../src/damoov/session-store.ts';
import { startTcpProxy } from '../../support/tcp-proxy.ts';
import { connect, createSessionWorld } from './session-world.ts';

const now = Date.now();
const first: TokenPair = pair('access-1', 0);
const second: TokenPair = pair('access-2', 1);
const third: TokenPair = pair('access-3', 2);

/** Renewed so many minutes after the first. */
function pair(accessToken: string, minutes: number): TokenPair {
  const obtainedAt = now + minutes * 60_000;
  return {
    accessToken,
    refreshToken: `refresh-${accessToken}`,
    obtainedAt,
    expiresAt: obtainedAt + 3_600_000,
  };
}

/** Without the times, which Redis keeps by its own clock. */
function tokensOf(stored: TokenPair | undefined) {
  return stored && { accessToken: stored.accessToken, refreshToken: stored.refreshToken };
}

describe('a stored pair', () => {
  test('is what every process with the same credentials loads', async () => {
    const world = createSessionWorld();
    expect(await world.store().load()).toBeUndefined();
    await world.store().save(first);
    expect(tokensOf(await world.store().load())).toEqual(tokensOf(first));
    const { refreshToken: _refused, ...rest } = first;
    await world.store().save(rest, first);
    expect(tokensOf(await world.store().load())).toEqual(tokensOf(rest));
  });

  test('cannot be read in Redis, nor with the key of another password', async () => {
    const world = createSessionWorld();
    await world.store().save(first);
    const raw = (await world.redis.get(world.key)) ?? '';
    expect(raw).not.toBe('');
    for (const text of [raw, Buffer.from(raw, 'base64').toString('latin1')])
      expect(text).not.toContain('access-1');
    expect(await world.store({ encryptionKey: randomBytes(32) }).load()).toBeUndefined();
    await world.redis.copy(world.key, `${world.prefix}:session:other`);
    expect(await world.store({ fingerprint: 'other' }).load()).toBeUndefined();
  });

  test('leaves alone the session of another password', async () => {
    const world = createSessionWorld();
    const other = world.store({ fingerprint: 'other', encryptionKey: randomBytes(32) });
    await world.store().save(first);
    await other.save(second);
    expect(tokensOf(await world.store().load())).toEqual(tokensOf(first));
    expect(tokensOf(await other.load())).toEqual(tokensOf(second));
  });

  test('with any bit turned counts as absent, and is replaced by the next', async () => {
    const world = createSessionWorld();
    const store = world.store();
    await store.save(first);
    const encrypted = Buffer.from((await world.redis.get(world.key)) ?? '', 'base64');
    for (let at = 0; at < encrypted.length; at += 1) {
      const broken = Buffer.from(encrypted);
      broken.writeUInt8(encrypted.readUInt8(at) ^ 1, at);
      await world.redis.set(world.key, broken.toString('base64'));
      expect(await store.load()).toBeUndefined();
    }
    for (const text of ['', 'x', encrypted.subarray(0, 29).toString('base64')]) {
      await world.redis.set(world.key, text);
      expect(await store.load()).toBeUndefined();
    }
    await store.save(second);
    expect(tokensOf(await store.load())).toEqual(tokensOf(second));
  });

  test('goes 30 days after it was stored', async () => {
    const world = createSessionWorld();
    await world.store().save(first);
    expect(Math.round((await world.redis.ttl(world.key)) / 86_400)).toBe(30);
  });

  test('lasts as long for processes whose clocks are an hour apart', async () => {
    const world = createSessionWorld();
    await world.store({ now: () => now }).save(first);
    const loaded = await world.store({ now: () => now + 3_600_000 }).load();
    // By now the clock of Redis has gone on: its time since the save is the difference.
    const goneMs = first.expiresAt + 3_600_000 - (loaded?.expiresAt ?? 0);
    expect(Math.abs(goneMs)).toBeLessThan(60_000);
    expect((loaded?.expiresAt ?? 0) - (loaded?.obtainedAt ?? 0)).toBe(3_600_000);
  });
});

describe('a process that was frozen during its renewal', () => {
  test('does not overwrite what another has stored since', async () => {
    const world = createSessionWorld();
    const [frozen, other] = [world.store({ leaseMs: 1 }), world.store()];
    await other.save(first);
    await frozen.exclusively(
      async () => {
        const loaded = await frozen.load();
        await other.exclusively(async () => other.save(second, await other.load()), { waits: true });
        await frozen.save(third, loaded);
      },
      { waits: true },
    );
    expect(tokensOf(await other.load())).toEqual(tokensOf(second));
  });

  test('that found no session does not overwrite one either', async () => {
    const world = createSessionWorld();
    await world.store().save(second);
    await world.store().save(first);
    expect(tokensOf(await world.store().load())).toEqual(tokensOf(second));
  });

  test('stores its pair where nobody has stored any since', async () => {
    const world = createSessionWorld();
    const frozen = world.store({ leaseMs: 1 });
    await frozen.save(first);
    const loaded = await frozen.load();
    await frozen.save(second, loaded);
    expect(tokensOf(await world.store().load())).toEqual(tokensOf(second));
    await world.store().clear(second);
    await frozen.save(third, second);
    expect(tokensOf(await world.store().load())).toEqual(tokensOf(third));
  });

  test('forgets its own spent pair, and no newer one', async () => {
    const world = createSessionWorld();
    const store = world.store();
    await store.save(second);
    await store.clear(first);
    expect(tokensOf(await store.load())).toEqual(tokensOf(second));
    await store.clear(second);
    expect(await store.load()).toBeUndefined();
  });
});

test('a pair older than the one that was renewed has come back from the dead, and is replaced', async () => {
  const world = createSessionWorld();
  await world.store().save(first);
  await world.store().save(third, second);
  expect(tokensOf(await world.store().load())).toEqual(tokensOf(third));
});

describe('a renewal', () => {
  test('is never under way in two processes', async () => {
    const world = createSessionWorld();
    let inside = 0;
    let most = 0;
    const renew = async () => {
      inside += 1;
      most = Math.max(most, inside);
      await world.redis.ping();
      inside -= 1;
    };
    await Promise.all(Array.from({ length: 20 }, () => world.store().exclusively(renew, { waits: true })));
    expect(most).toBe(1);
  });

  test('that another process is at is skipped by those who need not wait', async () => {
    const world = createSessionWorld();
    const { promise: isDone, resolve: end } = Promise.withResolvers<void>();
    const { promise: isBegun, resolve: begin } = Promise.withResolvers<void>();
    const renewing = world.store().exclusively(
      async () => {
        begin();
        await isDone;
        return 'renewed';
      },
      { waits: true },
    );
    await isBegun;
    const skipped = await world.store().exclusively(async () => 'renewed too', { waits: false });
    expect(skipped).toBeUndefined();
    end();
    expect(await renewing).toBe('renewed');
  });

  test('that fails makes room for the next', async () => {
    const world = createSessionWorld();
    const fails = async () => {
      throw new Error('no answer');
    };
    await expect(world.store().exclusively(fails, { waits: true })).rejects.toThrow('no answer');
    expect(await world.store().exclusively(async () => 'renewed', { waits: true })).toBe('renewed');
  });

  test('of a process that died ends with its lease', async () => {
    const world = createSessionWorld();
    await world.redis.set(`${world.key}:lease`, 'of the dead', 'PX', 300);
    expect(await world.store().exclusively(async () => 'renewed', { waits: true })).toBe('renewed');
  });

  test('whose lease another process has by now does not end that lease', async () => {
    const world = createSessionWorld();
    await world.store().exclusively(
      async () => {
        await world.redis.set(`${world.key}:lease`, 'of another');
      },
      { waits: true },
    );
    await world.redis.ping();
    expect(await world.redis.get(`${world.key}:lease`)).toBe('of another');
  });

  test('is begun and stored once where replies of Redis are lost', async () => {
    const world = createSessionWorld();
    const proxy = await startTcpProxy(inject('redisUrl'));
    onTestFinished(() => proxy.close());
    const store = world.store({ connection: connect(proxy.url) });
    await store.save(first);
    const isLeaseReplyLost = proxy.dropReplies(1, '"PX",30000');
    await store.exclusively(
      async () => {
        await isLeaseReplyLost;
        const isSaveReplyLost = proxy.dropReplies(1, '"PX",2592000000');
        await store.save(second, await store.load());
        await isSaveReplyLost;
      },
      { waits: true },
    );
    expect(tokensOf(await world.store().load())).toEqual(tokensOf(second));
  });
});
