/**
 * Limits how long a reader of the service state waits.
 */
import { setTimeout as sleep } from 'node:timers/promises';

/** Returns the value of the promise, or undefined if it takes longer than `ms` or is rejected. */
export async function withTimeout<T>(ms: number, promise: Promise<T>): Promise<T | undefined> {
  const over = new AbortController();
  const late = sleep(ms, undefined, { ref: false, signal: over.signal }).catch(() => undefined);
  try {
    return await Promise.race([promise.catch(() => undefined), late]);
  } finally {
    over.abort();
  }
}
