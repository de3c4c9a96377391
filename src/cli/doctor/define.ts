/**
 * How `damoov-users doctor` is called.
 */
import { examples } from '../options/help.ts';
import { withJson } from '../options/shared-options.ts';
import type { Register } from '../common/register.ts';

export const registerDoctor: Register = (program, run) => {
  const command = program
    .command('doctor')
    .description('look at Redis, Damoov and the configuration, and say what to do; makes no user')
    .option('--facts <file>', 'what a probe has seen (default: damoov-facts.json, where it is)')
    .option('--login', 'log in where there is no session: it counts against the budget of the fleet');
  withJson(command)
    .addHelpText('after', examples('doctor', 'doctor --facts staging-facts.json --login'))
    .action(run(async () => (await import('./run.ts')).doctor));
};
