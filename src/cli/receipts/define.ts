/**
 * How `damoov-users receipts verify` is called.
 */
import { type Command, Option } from 'commander';
import { parseHead, parsePublicKey } from './receipt-options.ts';
import type { VerifyCommandOptions } from './run.ts';
import { GROUPS, examples } from '../options/help.ts';
import type { Register } from '../options/register.ts';

export const registerReceipts: Register = (program, ended, context) => {
  program
    .command('receipts')
    .description('receipts of deletions')
    .helpGroup(GROUPS.watch)
    .command('verify')
    .description('check a file of receipts, offline: one a line, or the user.deleted events that hold them')
    .argument('<file>', 'NDJSON, - for the standard input')
    .addOption(
      new Option(
        '--public-key <file>',
        'a key that signs receipts (PEM), repeatable; default: that of RECEIPT_PRIVATE_KEY_FILE',
      ).argParser(parsePublicKey),
    )
    .addOption(
      new Option(
        '--head <instance=hash>',
        'a receipt that must be there, so that no end was cut off, repeatable',
      ).argParser(parseHead),
    )
    .option('--complete', 'the receipts of each instance must begin with its first')
    .option('--allow-unsigned', 'let receipts without a signature pass')
    .option('--json', 'tell it in JSON')
    .addHelpText(
      'after',
      examples(
        'receipts verify receipts.ndjson --public-key receipts.pub.pem',
        'events --type user.deleted --json -n 1000 | damoov-users receipts verify -',
      ),
    )
    .action(async (file: string, options: VerifyCommandOptions, command: Command) => {
      const { verify } = await import('./run.ts');
      ended(await verify(file, options, context, (message) => command.error(message)));
    });
};
