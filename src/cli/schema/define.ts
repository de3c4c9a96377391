/**
 * How `damoov-users schema` is called.
 */
import { Option } from 'commander';
import type { SchemaOptions } from './run.ts';
import { GROUPS, examples } from '../options/help.ts';
import type { Register } from '../options/register.ts';

export const registerSchema: Register = (program, _ended, context) => {
  program
    .command('schema')
    .description('print the JSON Schemas of jobs and events, or both queues as an AsyncAPI 3 document')
    .argument('[name]', 'only of this job or event, such as create-user or user.created')
    .addOption(
      new Option('--format <format>', 'what to print')
        .choices(['json-schema', 'asyncapi'])
        .default('json-schema'),
    )
    .option('--json', 'on one line')
    .helpGroup(GROUPS.setUp)
    .addHelpText('after', examples('schema create-user', 'schema --format asyncapi > asyncapi.json'))
    .action(async (name: string | undefined, options: SchemaOptions) =>
      (await import('./run.ts')).schema(name, options, program.version() ?? '', context),
    );
};
