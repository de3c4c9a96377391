/**
 * Single flight with a cache: concurrent callers share one call, and its answer is reused for a while. The cost does not grow with the
 * number of callers, and calls
 * do not pile up before a Redis that is away.
 */

/** After so long without an answer it is asked again, in milliseconds. */
const GIVEN_UP_MS = 30_000;

export interface CacheOptions {
  /** How old an answer may be, from the moment it was asked for, in milliseconds. Default 0: only those who ask meanwhile share it. */
  forMs?: number;
  /** In milliseconds. */
  now?: () => number;
}

/** If asking fails, the next one asks again. */
export function cached<T>(
  ask: () => Promise<T>,
  { forMs = 0, now = Date.now }: CacheOptions = {},
): () => Promise<T> {
  let current: { since: number; keptMs: number; answer: Promise<T> } | undefined;
  return () => {
    if (current !== undefined && now() - current.since < current.keptMs) return current.answer;
    const made = { since: now(), keptMs: GIVEN_UP_MS, answer: ask() };
    current = made;
    made.answer.then(
      () => (made.keptMs = forMs),
      () => (made.keptMs = 0),
    );
    return made.answer;
  };
}
