/**
 * A command that was called in a way that it cannot be: exit status 2, as against one that failed.
 */

/** The message is for whoever typed the command, and says what to do instead. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
