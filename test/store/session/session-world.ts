/** Connections under a prefix of their own, and what stores and budgets of a fleet are made of. */
import { randomBytes, randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { inject, onTestFinished } from 'vitest';
import { createLoginBudget } from '../../../src/store/session/login-budget.ts';
import { createSessionStore } from '../../../src/store/session/session-store.ts';

type StoreOptions = Partial<Parameters<typeof createSessionStore>[0]>;
type BudgetOptions = Partial<Parameters<typeof createLoginBudget>[0]>;

export function createSessionWorld() {
  const prefix = `{test-${randomUUID()}}`;
  const encryptionKey = randomBytes(32);
  const redis = connect();
  onTestFinished(async () => {
    const keys = await redis.keys(`${prefix}*`);
    if (keys.length > 0) await redis.unlink(...keys);
  });
  const fleet = { connection: redis, prefix, fingerprint: 'fingerprint' };
  return {
    prefix,
    redis,
    encryptionKey,
    key: `${prefix}:session:fingerprint`,
    /** The store of one process. */
    store: (options: StoreOptions = {}) =>
      createSessionStore({ ...fleet, encryptionKey, leaseMs: 30_000, ...options }),
    /** The budget of one process. */
    budget: (options: BudgetOptions = {}) => createLoginBudget({ ...fleet, loginsPerHour: 4, ...options }),
  };
}

/** Ends with the test. */
export function connect(url: string = inject('redisUrl')): Redis {
  const connection = new Redis(url, { maxRetriesPerRequest: null, retryStrategy: () => 10 });
  connection.on('error', () => {});
  onTestFinished(() => connection.disconnect());
  return connection;
}
