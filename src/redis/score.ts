/**
 * Reads scores of sorted sets. A score may be infinite: another client may have deferred a job by any number.
 */

/** The queue keeps the time of a delayed job in milliseconds times this, and counts within a millisecond. */
export const SCORE_PER_MS = 4096;

/** Redis writes `inf` and `-inf`. */
export function scoreOf(text: string): number {
  return Number(text.replace(/^([-+]?)inf$/i, '$1Infinity'));
}

/** When a delayed job is due, in epoch milliseconds; infinite where it never is. */
export function dueMsOf(score: string): number {
  return Math.floor(scoreOf(score) / SCORE_PER_MS);
}
