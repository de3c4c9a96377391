/**
 * How `damoov-users create` and `update` are called.
 */
import { type Command, Option } from 'commander';
import type { CreateOptions, UpdateOptions } from './run.ts';
import { jsonOption, ofUser, timeoutOption, waitOption } from '../options/shared-options.ts';
import { GROUPS, examples } from '../options/help.ts';
import type { Register } from '../options/register.ts';

/** What an update may clear. */
const CLEARABLE = ['firstName', 'lastName', 'nickname', 'phone', 'email', 'clientId'];

const SEEN = `
What stands on a command line is seen by everybody on the machine (ps) and kept in the history of the shell. Give personal
data by --data - instead.`;

export const registerCreate: Register = (program, ended, context) => {
  withProfile(ofUser(program.command('create').description('have a user exist: a sign-up')))
    .helpGroup(GROUPS.users)
    .option('--access-token', "have the event hold the user's access and refresh token")
    .addHelpText('after', SEEN)
    .addHelpText(
      'after',
      examples('create --client-id customer-4711 --wait', 'create --data - < sign-up.json'),
    )
    .action(async (options: CreateOptions) =>
      ended(await (await import('./run.ts')).createUser(options, context)),
    );
};

export const registerUpdate: Register = (program, ended, context) => {
  withProfile(ofUser(program.command('update').description('change the profile of a user')))
    .helpGroup(GROUPS.users)
    .option('--new-client-id <id>', 'the user gets this clientId')
    .addOption(new Option('--clear <field...>', 'fields that are to be empty').choices(CLEARABLE))
    .addHelpText('after', SEEN)
    .addHelpText(
      'after',
      examples(
        'update --client-id customer-4711 --clear phone nickname --wait',
        'update --client-id customer-4711 --data - < changes.json',
      ),
    )
    .action(async (options: UpdateOptions) =>
      ended(await (await import('./run.ts')).updateUser(options, context)),
    );
};

function withProfile(command: Command): Command {
  return command
    .option('--first-name <name>', 'personal data, as are the next four')
    .option('--last-name <name>')
    .option('--nickname <name>')
    .option('--phone <number>')
    .option('--email <address>')
    .option(
      '--data <file>',
      'the data of the job in JSON, - for the standard input; other options come on top',
    )
    .option('--occurred-at <time>', 'when it happened at the source: ISO 8601 with a zone; default: now')
    .option('--correlation-id <id>', 'your reference, handed through to the event')
    .option('--idempotency-key <key>', 'the same key has the same job carried out once, for 24 hours')
    .addOption(waitOption())
    .addOption(timeoutOption())
    .addOption(jsonOption());
}
