/**
 * How `damoov-users create`, `update`, `suspend`, `resume` and `move` are called.
 */
import { type Command, Option } from 'commander';
import { PROFILE_FIELDS, SETTINGS } from '../../contract/fields.ts';
import { examples } from '../options/help.ts';
import { ofUser, withJson, withWait } from '../options/shared-options.ts';
import type { Register } from '../common/register.ts';

const CLEARABLE = [...PROFILE_FIELDS, 'clientId'];

export const registerCreate: Register = (program, run) => {
  withData(program.command('create').description('create a user, or find the existing one'))
    .option('--access-token', "include the user's access and refresh token in the event")
    .addHelpText(
      'after',
      examples('create --client-id customer-4711 --wait', 'create --data - < sign-up.json'),
    )
    .action(run(async () => (await import('./run.ts')).createUser));
};

export const registerUpdate: Register = (program, run) => {
  withData(program.command('update').description('change a user'))
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

export const registerSuspend: Register = (program, run) => {
  withChange(program.command('suspend').description('deactivate a user'))
    .addHelpText('after', examples('suspend --client-id customer-4711'))
    .action(run(async () => (await import('./run.ts')).suspendUser));
};

export const registerResume: Register = (program, run) => {
  withChange(program.command('resume').description('activate a user who was suspended'))
    .addHelpText('after', examples('resume --client-id customer-4711 --wait'))
    .action(run(async () => (await import('./run.ts')).resumeUser));
};

export const registerMove: Register = (program, run) => {
  withChange(program.command('move').description('move a user to another instance'))
    .requiredOption('--to <name>', 'the configured instance that the user moves to')
    .addHelpText('after', examples('move --client-id customer-4711 --to eu --wait'))
    .action(run(async () => (await import('./run.ts')).moveUser));
};

/** Personal data has no options: everybody on the machine can see a command line (ps), and the shell keeps it. */
function withData(command: Command): Command {
  return withTimes(
    ofUser(command)
      .option(
        '--data <file>',
        'the data of the job in JSON, such as its profile; - for the standard input; other options override it',
      )
      .addOption(new Option('--turn-on <setting...>', 'settings of the user').choices(SETTINGS))
      .addOption(new Option('--turn-off <setting...>', 'settings of the user').choices(SETTINGS)),
  );
}

function withChange(command: Command): Command {
  return withTimes(ofUser(command));
}

function withTimes(command: Command): Command {
  return withJson(
    withWait(
      command
        .option('--occurred-at <time>', 'when it happened at the source: ISO 8601 with a zone; default: now')
        .option('--correlation-id <id>', 'your reference, copied to the event')
        .option('--idempotency-key <key>', 'jobs with the same key are carried out once within 24 hours'),
    ),
  );
}
