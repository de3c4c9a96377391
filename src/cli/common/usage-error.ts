/**
 * A command that was called in a way that it cannot be: exit status 2, as against one that failed.
 */

/** The message says what to type instead. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
