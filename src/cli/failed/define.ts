/**
 * How `damoov-users failed list|retry|drop` are called.
 */
import { Option } from 'commander';
import { JOB_NAMES, UNKNOWN } from '../../contract/job.ts';
import { FAILURE_CODES } from '../../contract/outcome.ts';
import { examples } from '../options/help.ts';
import { parseDurationMs, wholeNumber } from '../options/parse.ts';
import { WHY, withJson } from '../options/shared-options.ts';
import type { Register } from '../common/register.ts';

export const registerFailed: Register = (program, run) => {
  const failed = program.command('failed').description('list, retry or drop failed jobs');
  const filtered = (name: string, description: string) =>
    withJson(failed.command(name).description(description))
      .addOption(
        new Option('--code <code...>', 'only jobs that failed with one of these').choices([
          ...FAILURE_CODES,
          UNKNOWN,
        ]),
      )
      .addOption(new Option('--operation <name>', 'only jobs of this name').choices([...JOB_NAMES, UNKNOWN]))
      .option('--id <id...>', 'only these jobs')
      .option('--client-id <id>', 'only jobs that name the user by this clientId')
      .option('--user-id <id>', 'only jobs that name the user by this UserId')
      .option('--instance <name>', 'only jobs of this Damoov instance')
      .option('--older-than <age>', 'only jobs that failed longer ago: 90s, 30m, 2h, 7d, 1w', parseDurationMs)
      .option('--newer-than <age>', 'only jobs that failed within this time', parseDurationMs);
  filtered('list', 'count the failed jobs and show them, the oldest first; changes nothing')
    .option('--limit <jobs>', 'how many to show, 0 for all (with --json one line each)', wholeNumber(), 50)
    .addHelpText(
      'after',
      examples(
        'failed list',
        'failed list --code retries-exhausted --newer-than 2h',
        'failed list --limit 0 --json | jq -r .jobId',
      ),
    )
    .action(run(async () => (await import('./run.ts')).listFailed));
  filtered('retry', 'run failed jobs again, with fresh attempts')
    .option('--yes', 'do not ask for confirmation')
    .option('--reason <text>', WHY)
    .addHelpText('after', examples('failed retry --code retries-exhausted', 'failed retry --id 4711 --yes'))
    .action(run(async () => (await import('./run.ts')).retryFailed));
  filtered('drop', 'remove failed jobs')
    .option('--yes', 'do not ask for confirmation')
    .option('--reason <text>', WHY)
    .addHelpText('after', examples('failed drop --code invalid-job --older-than 7d'))
    .action(run(async () => (await import('./run.ts')).dropFailed));
};
