/**
 * How `damoov-users status` is called.
 */
import { Option } from 'commander';
import { parseDurationMs } from '../options/duration-option.ts';
import type { StatusOptions } from './run.ts';
import { GROUPS, examples } from '../options/help.ts';
import type { Register } from '../options/register.ts';

export const registerStatus: Register = (program, _ended, context) => {
  program
    .command('status')
    .description('queues, what ended lately, what holds jobs back; changes nothing')
    .option('--watch', 'go on, until Ctrl-C')
    .addOption(
      new Option('--every <span>', 'with --watch: how often').default(2000, '2s').argParser(parseDurationMs),
    )
    .option('--json', 'tell it in JSON, with --watch one line each time')
    .helpGroup(GROUPS.watch)
    .addHelpText('after', examples('status', 'status --watch --every 5s', 'status --json | jq .lastHour'))
    .action(async (options: StatusOptions) => (await import('./run.ts')).status(options, context));
};
