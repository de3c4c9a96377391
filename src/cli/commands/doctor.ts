/**
 * How `damoov-users doctor` is called.
 */
import type { DoctorOptions } from '../doctor.ts';
import type { Register } from './register.ts';

export const registerDoctor: Register = (program, ended) => {
  program
    .command('doctor')
    .description('look at Redis, Damoov and the configuration, and say what to do; makes no user')
    .option('--facts <file>', 'what a probe has seen (default: damoov-facts.json, where it is)')
    .option('--login', 'log in where there is no session: it counts against the budget of the fleet')
    .option('--json', 'tell it in JSON')
    .action(async (options: DoctorOptions) => ended(await (await import('../doctor.ts')).doctor(options)));
};
