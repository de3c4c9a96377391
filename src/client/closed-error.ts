/**
 * What a call gets whose producer is closed.
 */

/** The `UserJobs` was closed before the call, or while it was under way. Redis may well be there: make a new one. */
export class ClosedError extends Error {
  override readonly name = 'ClosedError';
  /** What was asked for may have been done all the same: it was sent before `close()`, and its answer did not come. */
  readonly mayHaveBeenApplied: boolean;

  constructor(mayHaveBeenApplied = false) {
    const lost = mayHaveBeenApplied ? '; what was asked for may have been done' : '';
    super(`this UserJobs is closed${lost}`);
    this.mayHaveBeenApplied = mayHaveBeenApplied;
  }
}
