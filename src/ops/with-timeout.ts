/**
 * Bounds how long those who look at the service wait for what it is made of.
 */
import { setTimeout as sleep } from 'node:timers/promises';

/** What the promise resolves to, or undefined where it takes longer than so many milliseconds, or is rejected. */
export async function within<T>(ms: number, promise: Promise<T>): Promise<T | undefined> {
  const over = new AbortController();
  const late = sleep(ms, undefined, { ref: false, signal: over.signal }).catch(() => undefined);
  try {
    return await Promise.race([promise.catch(() => undefined), late]);
  } finally {
    over.abort();
  }
}
