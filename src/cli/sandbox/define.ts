/**
 * How `damoov-users sandbox` is called.
 */
import { examples } from '../options/help.ts';
import { wholeNumber } from '../options/parse.ts';
import type { Register } from '../common/register.ts';

export const registerSandbox: Register = (program, run) => {
  program
    .command('sandbox')
    .description('simulate the Damoov user API, in memory')
    .option('--port <port>', 'port to listen on, 0 for any free one', wholeNumber(0, 65_535), 7700)
    .option('--host <host>', 'address to listen on', '127.0.0.1')
    .option(
      '--instances <file>',
      'serve these instances, as in DAMOOV_INSTANCES_FILE: {"name": {"id", "key"}}',
    )
    .addHelpText(
      'after',
      examples('sandbox', 'sandbox --port 7701 --host 0.0.0.0', 'sandbox --instances instances.json'),
    )
    .action(run(async () => (await import('./run.ts')).sandbox));
};
