/**
 * The input of every part of the benchmark.
 */

export interface PartOptions {
  /** The most jobs that one measurement takes; each part knows how many are enough for it. */
  readonly jobs: number;
  /** Called with the current step. */
  readonly onProgress: (step: string) => void;
  /** Cuts the run off: it ends what it has started, and rejects. */
  readonly signal?: AbortSignal | undefined;
  /** Whether minutes matter more than digits. */
  readonly isQuick: boolean;
  /** Number of rounds, if only its function is to be tested. */
  readonly rounds?: number | undefined;
}

/** This machine lacks what a part needs: nothing was measured. The message says what to install. */
export class PartUnavailableError extends Error {
  override readonly name = 'PartUnavailableError';
}
