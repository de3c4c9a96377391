/**
 * How `damoov-users status` is called.
 */
import { Option } from 'commander';
import { parseDurationMs } from '../duration.ts';
import type { StatusOptions } from '../status.ts';
import { GROUPS, examples } from './help.ts';
import type { Register } from './register.ts';

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
    .action(async (options: StatusOptions) => (await import('../status.ts')).status(options, context));
};
