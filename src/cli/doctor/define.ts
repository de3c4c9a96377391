/**
 * How `damoov-users doctor` is called.
 */
import { examples } from '../options/help.ts';
import { withJson } from '../options/shared-options.ts';
import type { Register } from '../common/register.ts';

export const registerDoctor: Register = (program, run) => {
  const command = program
    .command('doctor')
    .description('check Redis, Damoov and the configuration, and print what to do; creates no user')
    .option('--facts <file>', 'the facts of a probe (default: damoov-facts.json, if it exists)')
    .option('--login', 'log in if there is no session: it costs one login of the fleet budget');
  withJson(command)
    .addHelpText('after', examples('doctor', 'doctor --facts staging-facts.json --login'))
    .action(run(async () => (await import('./run.ts')).doctor));
};
