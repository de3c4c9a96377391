/**
 * How `damoov-users failed list|retry|drop` are called.
 */
import { Option } from 'commander';
import { JOB_NAMES } from '../../contract/job.ts';
import { FAILURE_CODES } from '../../contract/outcome.ts';
import { parseDurationMs } from '../options/duration-option.ts';
import type { FailedChangeOptions, FailedListOptions } from './run.ts';
import { parseCount } from '../options/shared-options.ts';
import { GROUPS, examples } from '../options/help.ts';
import type { Register } from '../options/register.ts';

/** What cannot be told of a failed job. */
const UNKNOWN = 'unknown';

export const registerFailed: Register = (program, _ended, context) => {
  const failed = program
    .command('failed')
    .description('the jobs that have failed: look at them, run them again, remove them')
    .helpGroup(GROUPS.watch);
  const filtered = (name: string, description: string) =>
    failed
      .command(name)
      .description(description)
      .addOption(
        new Option('--code <code...>', 'only jobs that failed with one of these').choices([
          ...FAILURE_CODES,
          UNKNOWN,
        ]),
      )
      .addOption(new Option('--operation <name>', 'only jobs of this name').choices([...JOB_NAMES, UNKNOWN]))
      .option('--id <id...>', 'only these jobs')
      .option('--instance <name>', 'only jobs of this Damoov instance')
      .option(
        '--older-than <age>',
        'only jobs that failed longer ago than this: 90s, 30m, 2h, 7d, 1w',
        parseDurationMs,
      )
      .option('--newer-than <age>', 'only jobs that failed within this time', parseDurationMs)
      .option('--json', 'tell it in JSON');
  const load = () => import('./run.ts');
  const isConfirmed = ['--yes', 'ask nobody'] as const;
  filtered('list', 'count the failed jobs and show them, the oldest first; changes nothing')
    .addOption(
      new Option('--limit <jobs>', 'how many are shown, 0 for all (with --json one line each)')
        .default(50)
        .argParser(parseCount),
    )
    .addHelpText(
      'after',
      examples(
        'failed list',
        'failed list --code retries-exhausted --newer-than 2h',
        'failed list --limit 0 --json | jq -r .jobId',
      ),
    )
    .action(async (options: FailedListOptions) => (await load()).listFailed(options, context));
  filtered('retry', 'run failed jobs again, with fresh attempts')
    .option(...isConfirmed)
    .addHelpText('after', examples('failed retry --code retries-exhausted', 'failed retry --id 4711 --yes'))
    .action(async (options: FailedChangeOptions) => (await load()).retryFailed(options, context));
  filtered('drop', 'remove failed jobs')
    .option(...isConfirmed)
    .addHelpText('after', examples('failed drop --code invalid-job --older-than 7d'))
    .action(async (options: FailedChangeOptions) => (await load()).dropFailed(options, context));
};
