/**
 * How `damoov-users status` is called.
 */
import { examples } from '../options/help.ts';
import { durationOption, withJson } from '../options/shared-options.ts';
import type { Register } from '../common/register.ts';

export const registerStatus: Register = (program, run) => {
  const command = program
    .command('status')
    .description('show queues, recent outcomes and open circuits; changes nothing')
    .option('--watch', 'repeat until Ctrl-C')
    .addOption(durationOption('--every <span>', 'with --watch: interval', '2s'));
  withJson(command, 'print JSON, with --watch one line each time')
    .addHelpText('after', examples('status', 'status --watch --every 5s', 'status --json | jq .lastHour'))
    .action(run(async () => (await import('./run.ts')).status));
};
