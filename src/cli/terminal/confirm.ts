/**
 * Asks whoever sits at the terminal whether to go on. Knows nothing of what is asked.
 */
import { createInterface } from 'node:readline';
import type { CommandContext } from '../shared/command-context.ts';

/** The question goes to standard error: standard output is for the result. */
type Terminal = Pick<CommandContext, 'stdin' | 'stderr'>;

/** Whether somebody can be asked. */
export function isTerminal({ stdin, stderr }: Terminal): boolean {
  return stdin.isTTY === true && stderr.isTTY === true;
}

/** True for `y` and `yes`; everything else, the end of the input and Ctrl-C too, is a no. */
export async function confirm(question: string, { stdin, stderr }: Terminal): Promise<boolean> {
  const lines = createInterface({ input: stdin, output: stderr });
  const { promise, resolve } = Promise.withResolvers<string>();
  lines.on('close', () => resolve(''));
  lines.on('SIGINT', () => lines.close());
  lines.question(`${question} [y/N] `, resolve);
  const answer = await promise;
  lines.close();
  return /^y(es)?$/i.test(answer.trim());
}
