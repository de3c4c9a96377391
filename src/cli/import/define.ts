/**
 * How `damoov-users import` is called.
 */
import { examples } from '../options/help.ts';
import { withListOptions } from '../options/list-options.ts';
import { parseFileName, wholeNumber } from '../options/parse.ts';
import { durationOption, withJson } from '../options/shared-options.ts';
import type { Register } from '../common/register.ts';

export const registerImport: Register = (program, run) => {
  const command = withListOptions(
    program
      .command('import')
      .description('sign up every user of a list: a create-user job for each row; a repeated call continues'),
  )
    .option('--skip-invalid', 'add the valid rows even if others are invalid')
    .option('--allow-duplicates', 'let several rows have the same clientId')
    .option('--max-waiting <jobs>', 'pause while this many jobs wait', wholeNumber(1), 10_000)
    .option(
      '--report <file>',
      'wait until the jobs have ended, and write their outcomes to this file; also for a complete import',
      parseFileName,
    )
    .option('--again', 'add the rows of a complete import again')
    .addOption(
      durationOption('--redis-away <span>', 'how long to wait for a Redis that goes away: 90s, 5m', '5m'),
    );
  withJson(command)
    .addHelpText(
      'after',
      examples(
        'import users.csv',
        "import users.csv --map 'customer no=clientId' notes= --skip-invalid --report outcomes.csv",
        'import - --format ndjson < users.ndjson',
        'import users.csv --empty NULL N/A',
      ),
    )
    .action(run(async () => (await import('./run.ts')).importUsers));
};
