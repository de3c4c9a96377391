/**
 * How `damoov-users sandbox` is called.
 */
import { Option } from 'commander';
import type { SandboxCommandOptions } from './run.ts';
import { parsePort } from '../options/shared-options.ts';
import { GROUPS, examples } from '../options/help.ts';
import type { Register } from '../options/register.ts';

export const registerSandbox: Register = (program, _ended, context) => {
  program
    .command('sandbox')
    .description('simulate the Damoov user API, in memory')
    .addOption(
      new Option('--port <port>', 'port to listen on, 0 for any free one').default(7700).argParser(parsePort),
    )
    .addOption(new Option('--host <host>', 'address to listen on').default('127.0.0.1'))
    .option('--facts <file>', 'behave as a probe has seen Damoov behave (damoov-users probe)')
    .option(
      '--instances <file>',
      'serve these instances, as in DAMOOV_INSTANCES_FILE: {"name": {"id", "key"}}',
    )
    .helpGroup(GROUPS.run)
    .addHelpText(
      'after',
      examples(
        'sandbox',
        'sandbox --port 7701 --host 0.0.0.0',
        'sandbox --facts damoov-facts.json',
        'sandbox --instances instances.json',
      ),
    )
    .action(async (options: SandboxCommandOptions) => (await import('./run.ts')).sandbox(options, context));
};
