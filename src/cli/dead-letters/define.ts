/**
 * How `damoov-users dead-letters list|redrive|drop` are called.
 */
import { Option } from 'commander';
import { EVENT_TYPES } from '../../contract/event.ts';
import { UNKNOWN } from '../../contract/job.ts';
import { examples } from '../options/help.ts';
import { parseDurationMs, parseQueueName, wholeNumber } from '../options/parse.ts';
import { WHY, withJson } from '../options/shared-options.ts';
import type { Register } from '../common/register.ts';

export const registerDeadLetters: Register = (program, run) => {
  const letters = program
    .command('dead-letters')
    .description('list, redrive or drop events that a subscriber gave up');
  const filtered = (name: string, description: string) =>
    withJson(letters.command(name).description(description))
      .option('--queue <name>', 'only of this events queue; default: all of EVENTS_QUEUES', parseQueueName)
      .addOption(
        new Option('--type <type...>', 'only events of these types').choices([...EVENT_TYPES, UNKNOWN]),
      )
      .option('--id <id...>', 'only these events, by their event id')
      .option('--client-id <id>', 'only of the user with this clientId')
      .option('--user-id <id>', 'only of the user with this UserId')
      .option('--older-than <age>', 'only those given up longer ago: 90s, 30m, 2h, 7d, 1w', parseDurationMs)
      .option('--newer-than <age>', 'only those given up within this time', parseDurationMs);
  filtered('list', 'count them and show them, the oldest first; changes nothing')
    .option('--limit <events>', 'how many to show, 0 for all (with --json one line each)', wholeNumber(), 50)
    .addHelpText('after', examples('dead-letters list', 'dead-letters list --client-id customer-4711'))
    .action(run(async () => (await import('./run.ts')).listDeadLetters));
  filtered('redrive', 'deliver them once more, with fresh attempts')
    .option('--yes', 'do not ask for confirmation')
    .option('--reason <text>', WHY)
    .addHelpText('after', examples('dead-letters redrive --queue crm', 'dead-letters redrive --yes'))
    .action(run(async () => (await import('./run.ts')).redriveDeadLetters));
  filtered('drop', 'remove them')
    .option('--yes', 'do not ask for confirmation')
    .option('--reason <text>', WHY)
    .addHelpText('after', examples('dead-letters drop --older-than 7d'))
    .action(run(async () => (await import('./run.ts')).dropDeadLetters));
};
