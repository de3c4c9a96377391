/**
 * How `damoov-users worker` is called.
 */
import { examples } from '../options/help.ts';
import type { Register } from '../common/register.ts';

export const registerWorker: Register = (program, run) => {
  program
    .command('worker')
    .description('carry out the jobs of the queue; configured by the environment')
    .option(
      '--replace-user-id-settings',
      "replace the fleet's DAMOOV_USER_ID and user-id secrets with those of this worker",
    )
    .addHelpText(
      'after',
      examples(
        'worker',
        'worker  # WORKER_CONCURRENCY=20 and REDIS_URL=redis://… in the environment, or in .env',
      ),
    )
    .action(run(async () => (await import('./run.ts')).worker));
};
