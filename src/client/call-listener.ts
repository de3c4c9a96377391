/**
 * Calls what the caller of a library gave to be told something.
 */

/** What it throws, also later, must not end the process. @param name of the callback, for a warning of the process. */
export async function tellCaller(name: string, tell: () => unknown): Promise<void> {
  try {
    await tell();
  } catch {
    process.emitWarning(`${name} has thrown`);
  }
}
