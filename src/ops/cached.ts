/**
 * Keeps an answer for a while, so that what it costs does not grow with how many ask.
 */

/** Everybody who asks within that time gets the same answer; where asking fails, the next one asks again. */
export function kept<T>(
  ask: () => Promise<T>,
  forMs: number,
  now: () => number = Date.now,
): () => Promise<T> {
  let current: { since: number; answer: Promise<T> } | undefined;
  return async () => {
    if (current !== undefined && now() - current.since < forMs) return current.answer;
    const made = { since: now(), answer: ask() };
    current = made;
    return made.answer.catch((error: unknown) => {
      if (current === made) current = undefined;
      throw error;
    });
  };
}
