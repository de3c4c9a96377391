/**
 * Reads for a page, or says that Redis does not answer: a viewer never waits for long, and never sees emptiness instead.
 */
import { isRedisFault } from '../../redis/refusal.ts';

/** Longest wait of a viewer, in milliseconds. */
export const PATIENCE_MS = 3000;

/** Redis is away, silent, or refuses to answer. */
export class UnreadError extends Error {
  override readonly name = 'UnreadError';
}

/** @throws UnreadError; other errors as they are. */
export type ReadInTime = <T>(read: () => Promise<T>) => Promise<T>;

/** @param isThere whether Redis is connected: otherwise calls would wait for it. */
export function createReadInTime(isThere: () => boolean, patienceMs = PATIENCE_MS): ReadInTime {
  return async (read) => {
    if (!isThere()) throw new UnreadError();
    const { promise: late, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => reject(new UnreadError()), patienceMs);
    try {
      return await Promise.race([read(), late]);
    } catch (error) {
      throw isRedisFault(error) ? new UnreadError() : error;
    } finally {
      clearTimeout(timer);
    }
  };
}
