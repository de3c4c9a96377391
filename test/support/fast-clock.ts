/**
 * A clock that goes faster than the real one and is the same in several processes.
 */

export interface FastClock {
  /** When it began, in epoch milliseconds: both clocks said the same then. */
  startedAt: number;
  speed: number;
}

export function fastClock({ startedAt, speed }: FastClock): () => number {
  return () => Math.round(startedAt + (Date.now() - startedAt) * speed);
}
