/**
 * How `damoov-users audit list` is called.
 */
import { examples } from '../options/help.ts';
import { wholeNumber } from '../options/parse.ts';
import { withJson } from '../options/shared-options.ts';
import type { Register } from '../common/register.ts';

export const registerAudit: Register = (program, run) => {
  const audit = program.command('audit').description('show what operators have changed');
  const list = audit
    .command('list')
    .description('show the last actions: when, who, from where, what, how many, chosen by what, and why')
    .option('-n, --last <count>', 'how many, 0 for all', wholeNumber(), 50)
    .option('-f, --follow', 'show new ones until Ctrl-C');
  withJson(list)
    .addHelpText('after', examples('audit list -n 5', 'audit list --follow --json | jq .what'))
    .action(run(async () => (await import('./run.ts')).listActions));
};
