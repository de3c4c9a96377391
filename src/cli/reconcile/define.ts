/**
 * How `damoov-users reconcile` is called.
 */
import { InvalidArgumentError, Option } from 'commander';
import { KEEPERS } from '../../reconcile/unwanted-users.ts';
import { parseDurationMs } from '../options/duration-option.ts';
import type { ReconcileOptions } from './run.ts';
import { GROUPS, examples } from '../options/help.ts';
import { ofList } from '../options/list-options.ts';
import { parseCount, parseFileName, parseWhole } from '../options/shared-options.ts';
import type { Register } from '../options/register.ts';

export const registerReconcile: Register = (program, ended, context) => {
  const command = program
    .command('reconcile')
    .description('compare a list of users with Damoov; status 1 where they differ')
    .helpGroup(GROUPS.users);
  ofList(command)
    .option('--plan', 'tell the differences, and change nothing (the default)')
    .addOption(new Option('--apply', 'add the jobs that make Damoov as the list is').conflicts('plan'))
    .option('--empty-clears', 'an empty cell means no value; default: it is not compared')
    .option(
      '--instance <name>',
      'of this Damoov instance; default: default. Rows that name none are about default',
    )
    .option('--delete-orphans', 'with --apply: have those deleted that are not in the list')
    .addOption(
      new Option('--older-than <age>', 'of these, those created so long before the list was made')
        .default(24 * 3_600_000, '1d')
        .argParser(parseDurationMs),
    )
    .option('--delete-lookalikes', 'of these, those too whom a row of the list may mean in another writing')
    .addOption(
      new Option(
        '--delete-duplicates <but>',
        'with --apply: have all users of a clientId deleted but one: that whose UserId is ours, the oldest, the newest',
      ).choices(KEEPERS),
    )
    .addOption(
      new Option(
        '--max-deletions <count>',
        'at most so many; default: a tenth of the users at Damoov, and none where nobody in the list is known there',
      ).argParser(parseWhole),
    )
    .addOption(
      new Option('--in <span>', 'when these deletions are due: 90s, 45m, 12h, 30d, 2w')
        .default(7 * 24 * 3_600_000, '7d')
        .argParser(parseDurationMs),
    )
    .option('--yes', 'with --apply: ask nobody')
    .addOption(
      new Option('--show <count>', 'how many of each kind are shown, 0 for all')
        .default(10)
        .argParser(parseCount),
    )
    .addOption(
      new Option('--page-size <users>', 'that are asked for at once').default(200).argParser(parsePageSize),
    )
    .option(
      '--report <file>',
      'write every difference there, one line of JSON each; takes the place of an earlier report',
      parseFileName,
    )
    .option('--json', 'tell it in JSON, one line each, the summary last')
    .addHelpText(
      'after',
      examples(
        'reconcile users.csv',
        'reconcile users.csv --as-of 2027-01-31T12:00:00Z --json --report differences.ndjson',
        'reconcile users.csv --apply --delete-orphans --in 30d',
        'reconcile users.json --from keycloak',
      ),
    )
    .action(async (file: string, options: ReconcileOptions) =>
      ended(await (await import('./run.ts')).reconcile(file, options, context)),
    );
};

/** What Damoov may be asked for at once is not known; an answer of more than 1 MiB is not read. */
function parsePageSize(text: string): number {
  const size = Number(text);
  if (!Number.isInteger(size) || size < 1 || size > 1000)
    throw new InvalidArgumentError('must be 1 to 1000.');
  return size;
}
