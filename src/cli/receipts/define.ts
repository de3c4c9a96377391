/**
 * How `damoov-users receipts verify` is called.
 */
import { examples } from '../options/help.ts';
import { withJson } from '../options/shared-options.ts';
import type { Register } from '../common/register.ts';
import { parseHead, parsePublicKey } from './receipt-options.ts';

export const registerReceipts: Register = (program, run) => {
  const command = program
    .command('receipts')
    .description('receipts of deletions')
    .command('verify')
    .description('check a file of receipts, offline: one a line, or the user.deleted events that hold them')
    .argument('<file>', 'NDJSON, - for the standard input')
    .option(
      '--public-key <file>',
      'a key that signs receipts (PEM), repeatable; default: that of RECEIPT_PRIVATE_KEY_FILE',
      parsePublicKey,
    )
    .option(
      '--head <instance=hash>',
      'a receipt that must be there, so that no end was cut off, repeatable',
      parseHead,
    )
    .option('--complete', 'the receipts of each instance must begin with its first')
    .option('--allow-unsigned', 'let receipts without a signature pass');
  withJson(command)
    .addHelpText(
      'after',
      examples(
        'receipts verify receipts.ndjson --public-key receipts.pub.pem',
        'events --type user.deleted --json -n 1000 | damoov-users receipts verify -',
      ),
    )
    .action(run(async () => (await import('./run.ts')).verify));
};
