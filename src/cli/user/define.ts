/**
 * How `damoov-users user` is called.
 */
import { examples } from '../options/help.ts';
import { ofUser, withJson } from '../options/shared-options.ts';
import type { Register } from '../common/register.ts';

export const registerUser: Register = (program, run) => {
  const command = ofUser(
    program
      .command('user')
      .description(
        'show what is known of one user, in every instance unless one is named, and what holds its jobs back; changes nothing',
      )
      .argument('[client-id]', 'the same as --client-id'),
  ).option('--damoov', 'also ask Damoov, and show where it differs');
  withJson(command)
    .addHelpText('after', examples('user customer-4711', 'user customer-4711 --damoov --json'))
    .action(run(async () => (await import('./run.ts')).showUser));
};
