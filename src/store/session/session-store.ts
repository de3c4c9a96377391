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
import { jsonScriptsOf, luaBeside } from '../../redis/scripts.ts';

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

const readLua = luaBeside(import.meta.url);

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
  const script = jsonScriptsOf(connection, {
    'read-session': readLua('../clock', 'read-session'),
    'compare-and-set': readLua('../clock', 'compare-and-set'),
  });
  const set = async (place: string, change: { seen: string; value: string; keepMs?: number }) =>
    (await script('compare-and-set')([place], change)) === 1;
  // Clocks of a fleet differ: the times of the pair are stored by the clock of Redis.
  let redisAheadMs = 0;

  async function read(): Promise<{ encrypted: string; pair: TokenPair | undefined }> {
    const [redisMs, encrypted] = Reading.parse(await script('read-session')([key], {}));
    redisAheadMs = Math.round(redisMs - now());
    const text = decrypt(encryptionKey, key, encrypted);
    const pair = text === undefined ? undefined : Pair.safeParse(JSON.parse(text)).data;
    return { encrypted, pair: pair && shifted(pair, -redisAheadMs) };
  }

  /** Atomic: replaces only the pair that was judged, or judges again. */
  async function replace(next: TokenPair | undefined, isReplaceable: (stored?: TokenPair) => boolean) {
    for (;;) {
      const { encrypted, pair } = await read();
      if (!isReplaceable(pair)) return;
      const value = next && encrypt(encryptionKey, key, JSON.stringify(shifted(next, redisAheadMs)));
      if (await set(key, { seen: encrypted, value: value ?? '', keepMs: KEEP_MS })) return;
    }
  }

  return {
    load: async () => (await read()).pair,
    save: (pair, over) =>
      replace(pair, (stored) => stored === undefined || (over !== undefined && isSameOrOlder(stored, over))),
    clear: (spent) => replace(undefined, (stored) => stored?.accessToken === spent.accessToken),
    async exclusively(renew, { waits }) {
      const token = randomUUID();
      while (!(await set(leaseKey, { seen: '', value: token, keepMs: leaseMs }))) {
        if (!waits) return undefined;
        await sleep(POLL_MS * (1 + Math.random()));
      }
      try {
        return await renew();
      } finally {
        // The caller need not wait: an unreleased lease expires.
        set(leaseKey, { seen: token, value: '' }).catch(() => {});
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
const Reading = z.tuple([z.coerce.number(), z.string()]);

/** A newer stored pair comes from a faster process, and stays. An older one was kept by mistake. */
function isSameOrOlder(stored: TokenPair, over: TokenPair): boolean {
  return stored.accessToken === over.accessToken || stored.obtainedAt < over.obtainedAt;
}

function shifted(pair: TokenPair, ms: number): TokenPair {
  return { ...pair, obtainedAt: pair.obtainedAt + ms, expiresAt: pair.expiresAt + ms };
}
