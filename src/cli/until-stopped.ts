/**
 * Waits for the signal to stop; a second one, whichever it is, stops at once.
 */

/** Resolves with SIGINT or SIGTERM, whichever comes first from now on. */
export async function untilStopped(): Promise<NodeJS.Signals> {
  const { promise, resolve } = Promise.withResolvers<NodeJS.Signals>();
  let isStopping = false;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (isStopping) process.exit(1);
      isStopping = true;
      resolve(signal);
    });
  }
  return promise;
}
