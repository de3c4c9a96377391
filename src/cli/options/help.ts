/**
 * The common parts of every command's help: its style, and examples to copy.
 */
import { styleText } from 'node:util';
import type { HelpConfiguration } from 'commander';

/**
 * For `addHelpText('after', …)`.
 * @param calls without the program's name.
 */
export function examples(...calls: string[]): string {
  return [`\n${bold('Examples:')}`, ...calls.map((call) => `  $ damoov-users ${call}`)].join('\n');
}

/** Commander removes the colours if the output has none. */
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
