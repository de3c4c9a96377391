/**
 * A wrong call of a command: exit status 2. A command that failed has status 1.
 */

/** The message gives the correct call. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
