/**
 * How `damoov-users worker` is called.
 */
import { GROUPS, examples } from './help.ts';
import type { Register } from './register.ts';

export const registerWorker: Register = (program, _ended, context) => {
  program
    .command('worker')
    .description('carry out the jobs of the queue; configured by the environment')
    .helpGroup(GROUPS.run)
    .addHelpText(
      'after',
      examples(
        'worker',
        'worker  # WORKER_CONCURRENCY=20 and REDIS_URL=redis://… in the environment, or in .env',
      ),
    )
    .action(async () => (await import('../worker.ts')).worker(context));
};
