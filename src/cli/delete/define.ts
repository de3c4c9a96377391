/**
 * How `damoov-users delete` is called.
 */
import type { DeleteOptions } from './run.ts';
import {
  atOption,
  inOption,
  jsonOption,
  ofUser,
  timeoutOption,
  waitOption,
} from '../options/shared-options.ts';
import { GROUPS, examples } from '../options/help.ts';
import type { Register } from '../options/register.ts';

export const registerDelete: Register = (program, ended, context) => {
  ofUser(program.command('delete').description('have a user deleted, at once or later'))
    .addOption(inOption())
    .addOption(atOption())
    .option('--reschedule', 'move the deletion where one is pending already')
    .option('--reason <text>', 'why; kept with the job until it is over')
    .option('--correlation-id <id>', 'your reference, handed through to the event')
    .addOption(waitOption())
    .addOption(timeoutOption())
    .addOption(jsonOption())
    .helpGroup(GROUPS.users)
    .addHelpText(
      'after',
      examples(
        'delete --client-id customer-4711 --in 30d',
        'delete --client-id customer-4711 --at 2027-01-31T12:00:00Z --reschedule',
        'delete --user-id 3d0d0165-ec19-8bb6-9018-d49217879e0a --wait --timeout 5m',
      ),
    )
    .action(async (options: DeleteOptions) =>
      ended(await (await import('./run.ts')).deleteUser(options, context)),
    );
};
