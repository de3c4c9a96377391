/**
 * How `damoov-users schema` is called.
 */
import { Option } from 'commander';
import { examples } from '../options/help.ts';
import { withJson } from '../options/shared-options.ts';
import type { Register } from '../common/register.ts';

export const registerSchema: Register = (program, run) => {
  const command = program
    .command('schema')
    .description('print the JSON Schemas of jobs and events, or both queues as an AsyncAPI 3 document')
    .argument('[name]', 'only this job or event, such as create-user or user.created')
    .addOption(
      new Option('--format <format>', 'what to print')
        .choices(['json-schema', 'asyncapi'])
        .default('json-schema'),
    );
  withJson(command, 'on one line')
    .addHelpText('after', examples('schema create-user', 'schema --format asyncapi > asyncapi.json'))
    .action(run(async () => (await import('./run.ts')).schema));
};
