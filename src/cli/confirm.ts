/**
 * Asks whoever sits at the terminal whether to go on. Knows nothing of what is asked.
 */
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';

export interface Terminal {
  input: Readable & { isTTY?: boolean };
  /** Where the question is put: standard error, for standard output is the result's. */
  output: Writable & { isTTY?: boolean };
}

/** Whether somebody can be asked. */
export function isTerminal({ input, output }: Terminal): boolean {
  return input.isTTY === true && output.isTTY === true;
}

/** True for `y` and `yes`; everything else, the end of the input and Ctrl-C too, is a no. */
export async function confirm(question: string, { input, output }: Terminal): Promise<boolean> {
  const lines = createInterface({ input, output });
  const { promise, resolve } = Promise.withResolvers<string>();
  lines.on('close', () => resolve(''));
  lines.on('SIGINT', () => lines.close());
  lines.question(`${question} [y/N] `, resolve);
  const answer = await promise;
  lines.close();
  return /^y(es)?$/i.test(answer.trim());
}
