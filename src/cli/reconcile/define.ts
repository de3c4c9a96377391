/**
 * How `damoov-users reconcile` is called.
 */
import { Option } from 'commander';
import { examples } from '../options/help.ts';
import { ofList } from '../options/list-options.ts';
import { wholeNumber } from '../options/parse.ts';
import { durationOption, withJson } from '../options/shared-options.ts';
import type { Register } from '../common/register.ts';

export const registerReconcile: Register = (program, run) => {
  const command = ofList(
    program
      .command('reconcile')
      .description('compare a list of users with Damoov; status 1 where they differ'),
  )
    .option('--plan', 'show the differences, and change nothing (the default)')
    .addOption(new Option('--apply', 'add the jobs that make Damoov as the list is').conflicts('plan'))
    .option('--empty-clears', 'an empty cell means no value; default: it is not compared')
    .option(
      '--instance <name>',
      'of this Damoov instance; default: default. Rows that name none are about default',
    )
    .option('--delete-orphans', 'with --apply: have those deleted that are not in the list')
    .addOption(
      durationOption('--older-than <age>', 'of these, those created so long before the list was made', '1d'),
    )
    .option(
      '--max-deletions <count>',
      'at most so many; default: a tenth of the users at Damoov, and none if no user of the list is known there',
      wholeNumber(),
    )
    .addOption(durationOption('--in <span>', 'when these deletions are due: 90s, 45m, 12h, 30d, 2w', '7d'))
    .option('--yes', 'with --apply: do not ask for confirmation')
    .option('--show <count>', 'how many of each kind are shown, 0 for all', wholeNumber(), 10)
    // What Damoov may be asked for at once is not known; an answer of more than 1 MiB is not read.
    .option('--page-size <users>', 'that are asked for at once', wholeNumber(1, 1000), 200);
  withJson(command, 'print every difference in JSON, one line each, the summary last')
    .addHelpText(
      'after',
      examples(
        'reconcile users.csv',
        'reconcile users.csv --as-of 2027-01-31T12:00:00Z --json > differences.ndjson',
        'reconcile users.csv --apply --delete-orphans --in 30d',
      ),
    )
    .action(run(async () => (await import('./run.ts')).reconcile));
};
