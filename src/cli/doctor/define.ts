/**
 * How `damoov-users doctor` is called.
 */
import type { DoctorOptions } from './run.ts';
import { GROUPS, examples } from '../options/help.ts';
import { jsonOption } from '../options/shared-options.ts';
import type { Register } from '../options/register.ts';

export const registerDoctor: Register = (program, ended, context) => {
  program
    .command('doctor')
    .description('look at Redis, Damoov and the configuration, and say what to do; makes no user')
    .option('--facts <file>', 'what a probe has seen (default: damoov-facts.json, where it is)')
    .option('--login', 'log in where there is no session: it counts against the budget of the fleet')
    .addOption(jsonOption())
    .helpGroup(GROUPS.setUp)
    .addHelpText('after', examples('doctor', 'doctor --facts staging-facts.json --login'))
    .action(async (options: DoctorOptions) =>
      ended(await (await import('./run.ts')).doctor(options, context)),
    );
};
