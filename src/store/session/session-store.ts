/**
 * Stores the admin's token pair in Redis for the whole fleet, encrypted, and lets one process at a time renew it. The session itself
 * decides when to renew.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { SessionStore, TokenPair } from '../../damoov/session-store.ts';
import { decrypt, encrypt } from '../../lifecycle/encryption.ts';
import type { RedisConnection } from '../../redis/connection.ts';
import { type Command, type Seen, changesIn } from '../../redis/change.ts';

export interface SessionStoreOptions {
  readonly connection: RedisConnection;
  readonly prefix: string;
  /** Fingerprint of the credentials: another password has another session. */
  readonly fingerprint: string;
  readonly encryptionKey: Buffer;
  /** How long one process has the right to renew, in milliseconds: longer than a refresh and a login together. */
  readonly leaseMs: number;
  /** The clock of the client that uses the store. Default `Date.now`. */
  readonly now?: (() => number) | undefined;
}

const KEEP_MS = 30 * 24 * 3600 * 1000;
const POLL_MS = 50;

/**
 * The session of these credentials, under the prefix. Every method waits while Redis is away, as its connection does; a value that this
 * key cannot decrypt counts as absent.
 */
export function createSessionStore(options: SessionStoreOptions): Required<SessionStore> {
  const { connection, prefix, fingerprint, encryptionKey, leaseMs, now = Date.now } = options;
  const key = `${prefix}:session:${fingerprint}`;
  const leaseKey = `${key}:lease`;
  const change = changesIn(connection);

  /** The pair, and how far Redis' clock is ahead: clocks of a fleet differ, so the pair's times are stored by the clock of Redis. */
  function read(seen: Seen): { pair: TokenPair | undefined; redisAheadMs: number } {
    const redisAheadMs = Math.round(seen.now - now());
    const text = decrypt(encryptionKey, key, seen.text('GET', key) ?? '');
    const pair = text === undefined ? undefined : Pair.safeParse(JSON.parse(text)).data;
    return { pair: pair && shifted(pair, -redisAheadMs), redisAheadMs };
  }

  /** Atomic: replaces only the pair that was judged, or judges again. */
  const replace = async (next: TokenPair | undefined, isReplaceable: (stored?: TokenPair) => boolean) =>
    change((seen) => {
      const { pair, redisAheadMs } = read(seen);
      const value = next && encrypt(encryptionKey, key, JSON.stringify(shifted(next, redisAheadMs)));
      const write: Command = value === undefined ? ['DEL', key] : ['SET', key, value, 'PX', KEEP_MS];
      return { answer: undefined, writes: isReplaceable(pair) ? [write] : [] };
    });

  /** Takes the lease if it is free; returns whether this process has it. */
  const lease = async (token: string) =>
    change((seen) => {
      const holder = seen.text('GET', leaseKey);
      if (holder !== undefined) return { answer: holder === token };
      return { answer: true, writes: [['SET', leaseKey, token, 'PX', leaseMs]] };
    });

  return {
    load: () => change((seen) => ({ answer: read(seen).pair })),
    save: (pair, over) =>
      replace(pair, (stored) => stored === undefined || (over !== undefined && isSameOrOlder(stored, over))),
    clear: (spent) => replace(undefined, (stored) => stored?.accessToken === spent.accessToken),
    async exclusively(renew, { waits }) {
      const token = randomUUID();
      while (!(await lease(token))) {
        if (!waits) return undefined;
        await sleep(POLL_MS * (1 + Math.random()));
      }
      try {
        return await renew();
      } finally {
        // The caller need not wait: an unreleased lease expires.
        change((seen) => {
          const isOurs = seen.text('GET', leaseKey) === token;
          return { answer: isOurs, writes: isOurs ? [['DEL', leaseKey]] : [] };
        }).catch(() => {});
      }
    },
  };
}

const Pair = z.object({
  accessToken: z.string().min(1),
  refreshToken: z.string().min(1).exactOptional(),
  obtainedAt: z.number(),
  expiresAt: z.number(),
});

/** A newer stored pair comes from a faster process, and stays. An older one was kept by mistake. */
function isSameOrOlder(stored: TokenPair, over: TokenPair): boolean {
  return stored.accessToken === over.accessToken || stored.obtainedAt < over.obtainedAt;
}

function shifted(pair: TokenPair, ms: number): TokenPair {
  return { ...pair, obtainedAt: pair.obtainedAt + ms, expiresAt: pair.expiresAt + ms };
}
