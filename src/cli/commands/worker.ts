/**
 * How `damoov-users worker` is called.
 */
import type { Register } from './register.ts';

export const registerWorker: Register = (program) => {
  program
    .command('worker')
    .description('carry out the jobs of the queue; configured by the environment')
    .action(async () => (await import('../worker.ts')).worker());
};
