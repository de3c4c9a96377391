/**
 * How `damoov-users events` is called.
 */
import { Option } from 'commander';
import { EVENT_TYPES } from '../../contract/event.ts';
import { examples } from '../options/help.ts';
import { parseQueueName, wholeNumber } from '../options/parse.ts';
import { withJson } from '../options/shared-options.ts';
import type { Register } from '../common/register.ts';

export const registerEvents: Register = (program, run) => {
  const command = program
    .command('events')
    .description('show published events, new ones too with --follow; subscribers still get all of them')
    .option('-n, --last <count>', 'how many existing events', wholeNumber(), 20)
    .option('-f, --follow', 'show new events until Ctrl-C')
    .addOption(new Option('--type <type...>', 'only events of these types').choices(EVENT_TYPES))
    .option('--client-id <id>', 'only of the user with this clientId')
    .option('--user-id <id>', 'only of the user with this UserId')
    .option('--queue <name>', 'of this events queue; default: the first of EVENTS_QUEUES', parseQueueName);
  withJson(command, 'the whole event in JSON, one line each, with its tokens masked')
    .addHelpText(
      'after',
      `
What can be missing: BullMQ keeps about 10,000 notes on what happened in a queue, which are the last 2,000 events or more; an
event that a subscriber has consumed stays for an hour, and as one of the last 1,000. What is gone is counted, not shown: on
stderr, with --json in a last line with \`note\`.`,
    )
    .addHelpText(
      'after',
      examples(
        'events -n 5',
        'events --follow --type user.failed user.superseded',
        'events --client-id customer-4711 --json | jq .data',
      ),
    )
    .action(run(async () => (await import('./run.ts')).events));
};
