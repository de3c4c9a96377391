/**
 * What every part of the benchmark is told.
 */

export interface PartOptions {
  /** The most jobs that one measurement takes; each part knows how many are enough for it. */
  readonly jobs: number;
  /** Told what is being done. */
  readonly onProgress: (step: string) => void;
  /** Cuts the run off: it ends what it has started, and rejects. */
  readonly signal?: AbortSignal | undefined;
  /** Whether minutes matter more than digits. */
  readonly isQuick: boolean;
  /** How often the sides take turns, where somebody wants to see that it works more than what it says. */
  readonly rounds?: number | undefined;
}

/** This machine lacks what a part needs: nothing was measured. The message says what to install. */
export class PartUnavailableError extends Error {
  override readonly name = 'PartUnavailableError';
}
