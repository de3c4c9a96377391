/**
 * How `damoov-users create` and `update` are called.
 */
import { type Command, Option } from 'commander';
import { PROFILE_FIELDS } from '../../contract/field-names.ts';
import { examples } from '../options/help.ts';
import { ofUser, withJson, withWait } from '../options/shared-options.ts';
import type { Register } from '../common/register.ts';

/** The fields that an update may clear. */
const CLEARABLE = [...PROFILE_FIELDS, 'clientId'];

const SEEN = `
Everybody on the machine can see a command line (ps), and the shell keeps it in its history. Use --data - for personal
data.`;

export const registerCreate: Register = (program, run) => {
  withProfile(program.command('create').description('create a user, or find the existing one'))
    .option('--access-token', "include the user's access and refresh token in the event")
    .addHelpText(
      'after',
      examples('create --client-id customer-4711 --wait', 'create --data - < sign-up.json'),
    )
    .action(run(async () => (await import('./run.ts')).createUser));
};

export const registerUpdate: Register = (program, run) => {
  withProfile(program.command('update').description('change the profile of a user'))
    .option('--new-client-id <id>', 'the new clientId of the user')
    .addOption(new Option('--clear <field...>', 'fields to clear').choices(CLEARABLE))
    .addHelpText(
      'after',
      examples(
        'update --client-id customer-4711 --clear phone nickname --wait',
        'update --client-id customer-4711 --data - < changes.json',
      ),
    )
    .action(run(async () => (await import('./run.ts')).updateUser));
};

function withProfile(command: Command): Command {
  const profile = ofUser(command)
    .option('--first-name <name>', 'personal data, like the next four')
    .option('--last-name <name>')
    .option('--nickname <name>')
    .option('--phone <number>')
    .option('--email <address>')
    .option(
      '--data <file>',
      'the data of the job in JSON, - for the standard input; other options override it',
    )
    .option('--occurred-at <time>', 'when it happened at the source: ISO 8601 with a zone; default: now')
    .option('--correlation-id <id>', 'your reference, copied to the event')
    .option('--idempotency-key <key>', 'jobs with the same key are carried out once within 24 hours')
    .addHelpText('after', SEEN);
  return withJson(withWait(profile));
}
