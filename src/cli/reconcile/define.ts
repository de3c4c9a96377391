/**
 * How `damoov-users reconcile` is called.
 */
import { examples } from '../options/help.ts';
import { withListOptions } from '../options/list-options.ts';
import { wholeNumber } from '../options/parse.ts';
import { durationOption, withJson } from '../options/shared-options.ts';
import type { Register } from '../common/register.ts';

export const registerReconcile: Register = (program, run) => {
  const command = withListOptions(
    program.command('reconcile').description('compare a list of users with Damoov; status 1 if they differ'),
  )
    .option('--apply', 'add the jobs that make Damoov match the list; default: change nothing')
    .option('--empty-clears', 'an empty cell of the profile means no value; default: not compared')
    .option(
      '--instance <name>',
      'the Damoov instance; default: default. Rows without an instance belong to default',
    )
    .option('--delete-orphans', 'with --apply: delete users that are not in the list')
    .addOption(
      durationOption('--older-than <age>', 'only those created this long before the list was made', '1d'),
    )
    .option(
      '--max-deletions <count>',
      'maximum number; default: a tenth of the users at Damoov, or 0 if Damoov has no user of the list',
      wholeNumber(),
    )
    .addOption(durationOption('--in <span>', 'when these deletions are due: 90s, 45m, 12h, 30d, 2w', '7d'))
    .option('--yes', 'with --apply: do not ask for confirmation')
    .option('--show <count>', 'how many of each kind to show, 0 for all', wholeNumber(), 10)
    // Damoov's maximum is unknown; answers of more than 1 MiB are not read.
    .option('--page-size <users>', 'users per request', wholeNumber(1, 1000), 200);
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
