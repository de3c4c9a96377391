/**
 * Asks the person at the terminal for confirmation.
 */
import { createInterface } from 'node:readline';
import type { CommandContext } from '../common/command-context.ts';
import { UsageError } from '../common/usage-error.ts';

/** The question goes to standard error: standard output is for the result. */
type Terminal = Pick<CommandContext, 'stdin' | 'stderr'>;

/**
 * @param undone such as `nothing was dropped`.
 * @throws UsageError if there is no terminal; Error if the answer is no.
 */
export async function requireYes(question: string, undone: string, terminal: Terminal): Promise<void> {
  if (terminal.stdin.isTTY !== true || terminal.stderr.isTTY !== true) {
    throw new UsageError(`${undone}: confirm with --yes, because there is no terminal to ask`);
  }
  if (!(await confirm(question, terminal))) throw new Error(undone);
}

/** True for `y` and `yes`; everything else is a no, the end of the input and Ctrl-C included. */
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
