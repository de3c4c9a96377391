/**
 * Waits for the signal to stop; a second one stops at once.
 */

/** Resolves with SIGINT or SIGTERM, whichever comes first. */
export async function untilStopped(): Promise<NodeJS.Signals> {
  const { promise, resolve } = Promise.withResolvers<NodeJS.Signals>();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      resolve(signal);
      process.once(signal, () => process.exit(1));
    });
  }
  return promise;
}
