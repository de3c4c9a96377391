/**
 * Waits for the signal to stop; any second one stops at once.
 */
import type { CommandContext } from '../common/command-context.ts';

export async function untilStopped({
  signals,
  exit,
}: Pick<CommandContext, 'signals' | 'exit'>): Promise<NodeJS.Signals> {
  const { promise, resolve } = Promise.withResolvers<NodeJS.Signals>();
  let isStopping = false;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    signals.on(signal, () => {
      if (isStopping) exit(1);
      isStopping = true;
      resolve(signal);
    });
  }
  return promise;
}
