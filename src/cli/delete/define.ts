/**
 * How `damoov-users delete` is called.
 */
import { examples } from '../options/help.ts';
import { ofUser, withDue, withJson, withWait } from '../options/shared-options.ts';
import type { Register } from '../common/register.ts';

export const registerDelete: Register = (program, run) => {
  const command = withDue(ofUser(program.command('delete').description('delete a user, at once or later')))
    .option('--reschedule', 'move the deletion if one is pending already')
    .option('--suspend', 'suspend the user until then; a cancellation or a sign-up resumes it')
    .option('--reason <text>', 'why; kept with the job until it is over')
    .option('--correlation-id <id>', 'your reference, copied to the event');
  withJson(withWait(command))
    .addHelpText(
      'after',
      examples(
        'delete --client-id customer-4711 --in 30d --suspend',
        'delete --client-id customer-4711 --at 2027-01-31T12:00:00Z --reschedule',
        'delete --user-id 3d0d0165-ec19-8bb6-9018-d49217879e0a --wait --timeout 5m',
      ),
    )
    .action(run(async () => (await import('./run.ts')).deleteUser));
};
