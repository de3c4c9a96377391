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
    .addOption(durationOption('--every <span>', 'with --watch: interval', '2s'))
    .option('--prefix <prefix...>', 'the fleets under these prefixes; default: QUEUE_PREFIX');
  withJson(command, 'print JSON: a line for each prefix, with --watch each time')
    .addHelpText(
      'after',
      examples(
        'status',
        'status --watch --every 5s',
        'status --json | jq .lastHour',
        "status --prefix '{shard-1}' '{shard-2}'",
      ),
    )
    .action(run(async () => (await import('./run.ts')).status));
};
