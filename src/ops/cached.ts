/**
 * Single flight with a cache: concurrent callers share one call, and its answer is reused for a while. The cost does not grow with the
 * number of callers, and calls do not pile up while Redis is away.
 */

/** After this time without an answer the call is repeated, in milliseconds. */
const GIVEN_UP_MS = 30_000;

export interface CacheOptions {
  /** Maximum age of an answer since its call, in milliseconds. Default 0: only concurrent callers share it. */
  forMs?: number;
  /** In milliseconds. */
  now?: () => number;
}

/** After a failure, the next caller calls again. */
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
