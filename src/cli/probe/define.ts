/**
 * How `damoov-users probe` is called.
 */
import { examples } from '../options/help.ts';
import { parseFileName, wholeNumber } from '../options/parse.ts';
import { durationOption, withJson } from '../options/shared-options.ts';
import type { Register } from '../common/register.ts';

export const registerProbe: Register = (program, run) => {
  const command = program
    .command('probe')
    .description(
      'find out on a test instance how Damoov really behaves; creates users and deletes them again',
    )
    .requiredOption('--instance <name>', 'the configured Damoov instance to probe')
    .option('--yes-this-instance-is-disposable', 'none of its users is needed')
    .option('--try-wrong-key', 'also call it with a wrong InstanceKey; how Damoov reacts is unknown')
    .option('--try-logins', 'also log a user of the probe in, at most twice; uses the login budget')
    .option('--second-instance <name>', 'also move a user of the probe there; as disposable as the first one')
    .option('--even-with-users <count>', 'an instance may have this many users (default: 50)', wholeNumber())
    .addOption(durationOption('--patience <span>', 'how long a write may take to become visible', '60s'))
    .option('--out <file>', 'the file for the facts', parseFileName, 'damoov-facts.json');
  withJson(command)
    .addHelpText(
      'after',
      examples(
        'probe --instance staging --yes-this-instance-is-disposable',
        'probe --instance staging --yes-this-instance-is-disposable --try-wrong-key --out staging-facts.json',
      ),
    )
    .action(run(async () => (await import('./run.ts')).runProbe));
};
