/**
 * How `damoov-users import` is called.
 */
import { InvalidArgumentError, Option } from 'commander';
import { parseDurationMs } from '../options/duration-option.ts';
import type { ImportOptions } from './run.ts';
import { GROUPS, examples } from '../options/help.ts';
import { ofList } from '../options/list-options.ts';
import { jsonOption, parseCount, parseFileName } from '../options/shared-options.ts';
import type { Register } from '../options/register.ts';

export const registerImport: Register = (program, ended, context) => {
  const command = program
    .command('import')
    .description(
      'sign up every user of a list: a create-user job for each row; goes on where it was stopped',
    );
  ofList(command)
    .option('--skip-invalid', 'add the rows that have no fault, instead of none')
    .option('--allow-duplicates', 'let several rows have the same clientId')
    .option('--allow-anonymous', 'take rows with neither clientId nor userId: equal values are one user')
    .addOption(
      new Option('--max-waiting <jobs>', 'add no more while so many jobs wait')
        .default(10_000)
        .argParser(parseAtLeastOne),
    )
    .option(
      '--report <file>',
      'wait until the jobs have ended, and write how into this file; also of an import that is complete',
      parseFileName,
    )
    .option('--spreadsheet', 'with --report: an apostrophe before each cell that would be a formula')
    .option('--again', 'add the rows of an import that is complete once more')
    .addOption(
      new Option('--redis-away <span>', 'how long to wait for a Redis that goes away: 90s, 5m')
        .default(300_000, '5m')
        .argParser(parseDurationMs),
    )
    .addOption(jsonOption())
    .helpGroup(GROUPS.users)
    .addHelpText(
      'after',
      examples(
        'import users.csv',
        "import users.csv --map 'customer no=clientId,notes=' --skip-invalid --report outcomes.csv",
        'import - --format ndjson < users.ndjson',
        "import users.json --from firebase --empty 'N/A'",
      ),
    )
    .action(async (file: string, options: ImportOptions) =>
      ended(await (await import('./run.ts')).importUsers(file, options, context)),
    );
};

function parseAtLeastOne(text: string): number {
  const count = parseCount(text);
  if (count === 0) throw new InvalidArgumentError('must be 1 at least.');
  return count;
}
