/**
 * How `damoov-users deletions list|cancel|reschedule|release|refuse` are called.
 */
import { type Command, Option } from 'commander';
import type { BrakeOptions } from './held.ts';
import type { CommandContext } from '../shared/command-context.ts';
import type { ListDeletionsOptions, RescheduleOptions } from './run.ts';
import { parseInstantMs } from '../options/instant.ts';
import type { UserOptions } from '../shared/with-deletions.ts';
import { atOption, inOption, ofUser, parseCount } from '../options/shared-options.ts';
import { GROUPS, examples } from '../options/help.ts';
import type { Register } from '../options/register.ts';

export const registerDeletions: Register = (program, ended, context) => {
  const deletions = program
    .command('deletions')
    .description('deletions that are pending: list, cancel, move; and what the brake holds: release, refuse')
    .helpGroup(GROUPS.users);
  addBrake(deletions, context);
  const load = () => import('./run.ts');
  ofUser(deletions.command('list').description('the next due first; changes nothing'))
    .addOption(new Option('--next <count>', 'how many, 0 for all').default(50).argParser(parseCount))
    .option('--from <time>', 'due then or later (ISO 8601)', parseInstantMs)
    .option('--until <time>', 'due then or earlier', parseInstantMs)
    .option('--json', 'tell it in JSON, one line each')
    .addHelpText(
      'after',
      examples(
        'deletions list --next 0 --until 2027-01-31T00:00:00Z',
        'deletions list --client-id customer-4711 --json',
      ),
    )
    .action(async (options: ListDeletionsOptions) => (await load()).listDeletions(options, context));
  ofUser(
    deletions
      .command('cancel')
      .description('cancel the deletion of a user; status 0 only where it was cancelled'),
  )
    .option('--json', 'tell it in JSON')
    .addHelpText('after', examples('deletions cancel --client-id customer-4711'))
    .action(async (options: UserOptions & { json?: boolean }) =>
      ended(await (await load()).cancelDeletion(options, context)),
    );
  ofUser(deletions.command('reschedule').description('move the deletion of a user'))
    .addOption(inOption())
    .addOption(atOption())
    .option('--json', 'tell it in JSON')
    .addHelpText('after', examples('deletions reschedule --client-id customer-4711 --in 7d'))
    .action(async (options: RescheduleOptions) =>
      ended(await (await load()).rescheduleDeletion(options, context)),
    );
};

function addBrake(deletions: Command, context: CommandContext): void {
  const describe = {
    release: 'carry out what the brake holds',
    refuse: 'end what the brake holds as deletion-refused',
  };
  for (const decision of ['release', 'refuse'] as const) {
    ofUser(deletions.command(decision).description(`${describe[decision]}: all, or of one user`))
      .option('--yes', 'ask nobody')
      .option('--json', 'tell it in JSON')
      .addHelpText(
        'after',
        examples(`deletions ${decision} --client-id customer-4711`, `deletions ${decision} --yes --json`),
      )
      .action(async (options: BrakeOptions) =>
        (await import('./held.ts')).decideOver(decision, options, context),
      );
  }
}
