/**
 * How `damoov-users queue pause|resume` are called.
 */
import { examples } from '../options/help.ts';
import { parseQueueName } from '../options/parse.ts';
import { WHY, withJson } from '../options/shared-options.ts';
import type { Register } from '../common/register.ts';

export const registerQueue: Register = (program, run) => {
  const queue = program.command('queue').description('pause or resume a queue for the whole fleet');
  const command = (name: string, description: string) =>
    withJson(queue.command(name).description(description))
      .option('--queue <name>', 'an events queue; default: the jobs queue', parseQueueName)
      .option('--reason <text>', WHY);
  command('pause', 'no worker takes a job any more; those under way end, and producers go on adding')
    .addHelpText('after', examples('queue pause', 'queue pause --queue user-events'))
    .action(run(async () => (await import('./run.ts')).pauseQueue));
  command('resume', 'workers take jobs again')
    .addHelpText('after', examples('queue resume'))
    .action(run(async () => (await import('./run.ts')).resumeQueue));
};
