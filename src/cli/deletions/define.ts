/**
 * How `damoov-users deletions list|cancel|reschedule|release|refuse` are called.
 */
import { examples } from '../options/help.ts';
import { parseInstantMs, wholeNumber } from '../options/parse.ts';
import { WHY, ofUser, withDue, withJson } from '../options/shared-options.ts';
import type { Register } from '../common/register.ts';

export const registerDeletions: Register = (program, run) => {
  const deletions = program
    .command('deletions')
    .description(
      'list, cancel or move pending deletions; release or refuse those that the deletion limit holds',
    );
  const ofOne = (name: string, description: string) =>
    withJson(ofUser(deletions.command(name).description(description)));
  ofOne('list', 'list pending deletions, the next due first; changes nothing')
    .option('--next <count>', 'how many to show, 0 for all', wholeNumber(), 50)
    .option('--from <time>', 'due then or later (ISO 8601)', parseInstantMs)
    .option('--until <time>', 'due then or earlier', parseInstantMs)
    .addHelpText(
      'after',
      examples(
        'deletions list --next 0 --until 2027-01-31T00:00:00Z',
        'deletions list --client-id customer-4711 --json',
      ),
    )
    .action(run(async () => (await import('./run.ts')).listDeletions));
  ofOne('cancel', 'cancel the deletion of a user; status 0 only if it was cancelled')
    .option('--reason <text>', WHY)
    .addHelpText('after', examples('deletions cancel --client-id customer-4711'))
    .action(run(async () => (await import('./run.ts')).cancelDeletion));
  withDue(ofOne('reschedule', 'move the deletion of a user'))
    .option('--reason <text>', WHY)
    .addHelpText('after', examples('deletions reschedule --client-id customer-4711 --in 7d'))
    .action(run(async () => (await import('./run.ts')).rescheduleDeletion));
  const decisions = {
    release: 'carry out the held deletions: all, or those of one user',
    refuse: 'end the held deletions as deletion-refused: all, or those of one user',
  };
  for (const decision of ['release', 'refuse'] as const) {
    ofOne(decision, decisions[decision])
      .option('--yes', 'do not ask for confirmation')
      .option('--reason <text>', WHY)
      .addHelpText(
        'after',
        examples(`deletions ${decision} --client-id customer-4711`, `deletions ${decision} --yes --json`),
      )
      .action(run(async () => (await import('./approve.ts')).decideOver(decision)));
  }
};
