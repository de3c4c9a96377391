/**
 * As much of two workers as it takes to have the fleet's session, so that starting them costs little: each looks up a user
 * again and again, and tells the parent how each look-up ended. They end with their parent.
 */
import { flushCompileCache } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';
import { DamoovClient } from '../../src/damoov/client.ts';
import { DamoovError } from '../../src/damoov/errors.ts';
import { connectRedis } from '../../src/redis/connection.ts';
import { createLoginBudget } from '../../src/store/session/login-budget.ts';
import { createSessionStore } from '../../src/store/session/session-store.ts';

export interface SessionMainOptions {
  redisUrl: string;
  prefix: string;
  baseUrl: string;
  admin: { email: string; password: string };
  loginsPerHour: number;
  leaseMs: number;
  fingerprint: string;
  /** In hexadecimal. */
  encryptionKey: string;
}

/** Two cost hardly more to start than one. */
const WORKERS = 2;

/** How a look-up ended. */
export type SessionReport = { ok: true } | { ok: false; kind: string; retryAfterMs?: number };

process.once('disconnect', () => process.exit(1));
// Else it is written on exit, and these processes are killed.
flushCompileCache();
const options = JSON.parse(process.argv[2] ?? '') as SessionMainOptions;
await Promise.all(Array.from({ length: WORKERS }, work));

async function work(): Promise<never> {
  const connection = connectRedis({ kind: 'url', url: options.redisUrl });
  const encryptionKey = Buffer.from(options.encryptionKey, 'hex');
  const { baseUrl, admin } = options;
  const client = new DamoovClient({
    baseUrl,
    admin,
    sessionStore: createSessionStore({ ...options, connection, encryptionKey }),
    loginBudget: createLoginBudget({ ...options, connection }),
  });
  for (;;) {
    process.send?.(await lookUp(client));
    await sleep(30);
  }
}

async function lookUp(client: DamoovClient): Promise<SessionReport> {
  try {
    await client.findUsers({ clientId: 'nobody' });
    return { ok: true };
  } catch (error) {
    if (!(error instanceof DamoovError)) throw error;
    const { kind, retryAfterMs } = error;
    return { ok: false, kind, ...(retryAfterMs !== undefined && { retryAfterMs }) };
  }
}
