/**
 * How `damoov-users delete` is called.
 */
import type { DeleteOptions } from '../delete.ts';
import { atOption, inOption, jsonOption, ofUser, timeoutOption, waitOption } from './options.ts';
import type { Register } from './register.ts';

export const registerDelete: Register = (program, ended) => {
  ofUser(program.command('delete').description('have a user deleted, at once or later'))
    .addOption(inOption())
    .addOption(atOption())
    .option('--reschedule', 'move the deletion where one is pending already')
    .option('--reason <text>', 'why; kept with the job until it is over')
    .option('--correlation-id <id>', 'your reference, handed through to the event')
    .addOption(waitOption())
    .addOption(timeoutOption())
    .addOption(jsonOption())
    .action(async (options: DeleteOptions) =>
      ended(await (await import('../delete.ts')).deleteUser(options)),
    );
};
