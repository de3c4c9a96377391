/**
 * How `damoov-users probe` is called.
 */
import { Option } from 'commander';
import { parseDurationMs } from '../options/duration-option.ts';
import type { ProbeCommandOptions } from './run.ts';
import { GROUPS, examples } from '../options/help.ts';
import { jsonOption, parseFileName, parseWhole } from '../options/shared-options.ts';
import type { Register } from '../options/register.ts';

export const registerProbe: Register = (program, ended, context) => {
  program
    .command('probe')
    .description('find out on a test instance how Damoov really behaves; makes users and deletes them again')
    .requiredOption('--instance <name>', 'the configured Damoov instance to ask')
    .option('--yes-this-instance-is-disposable', 'it has no users that anybody would miss')
    .option(
      '--try-wrong-key',
      'also call it with a wrong InstanceKey; what Damoov makes of that is not known',
    )
    .addOption(
      new Option('--even-with-users <count>', 'the instance may have so many users (default: 50)').argParser(
        parseWhole,
      ),
    )
    .addOption(
      new Option('--patience <span>', 'how long a write may take to be seen')
        .default(60_000, '60s')
        .argParser(parseDurationMs),
    )
    .option('--out <file>', 'where the facts are written', parseFileName, 'damoov-facts.json')
    .addOption(jsonOption())
    .helpGroup(GROUPS.setUp)
    .addHelpText(
      'after',
      examples(
        'probe --instance staging --yes-this-instance-is-disposable',
        'probe --instance staging --yes-this-instance-is-disposable --try-wrong-key --out staging-facts.json',
      ),
    )
    .action(async (options: ProbeCommandOptions) =>
      ended(await (await import('./run.ts')).runProbe(options, context)),
    );
};
