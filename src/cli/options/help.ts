/**
 * What the help of every command has in common: its style, and examples that can be copied.
 */
import { styleText } from 'node:util';
import type { HelpConfiguration } from 'commander';

/**
 * For `addHelpText('after', …)`.
 * @param calls without the name of the program.
 */
export function examples(...calls: string[]): string {
  return [`\n${bold('Examples:')}`, ...calls.map((call) => `  $ damoov-users ${call}`)].join('\n');
}

/** Commander itself takes the colours away where the output has none. */
export const HELP_STYLE: HelpConfiguration = {
  styleTitle: bold,
  styleCommandText: cyan,
  styleSubcommandText: cyan,
  styleOptionText: cyan,
};

function bold(text: string): string {
  return styleText('bold', text, { validateStream: false });
}

function cyan(text: string): string {
  return styleText('cyan', text, { validateStream: false });
}
