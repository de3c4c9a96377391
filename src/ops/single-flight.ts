/**
 * Asks once for all who ask while an answer is on its way, so that questions do not pile up before a Redis that is away.
 */

/** After so long an answer is not expected any more, in milliseconds. */
const GIVEN_UP_MS = 30_000;

/** Everybody who asks meanwhile gets the same answer. */
export function joined<T>(ask: () => Promise<T>, now: () => number = Date.now): () => Promise<T> {
  let current: { since: number; answer: Promise<T> } | undefined;
  return () => {
    if (current !== undefined && now() - current.since < GIVEN_UP_MS) return current.answer;
    const made = {
      since: now(),
      answer: ask().finally(() => {
        if (current === made) current = undefined;
      }),
    };
    current = made;
    return made.answer;
  };
}
