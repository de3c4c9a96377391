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
    .description('check a file of receipts offline: one per line, or user.deleted events with receipts')
    .argument('<file>', 'NDJSON, - for the standard input')
    .option(
      '--public-key <file>',
      'a key that signs receipts (PEM), repeatable; default: the key of RECEIPT_PRIVATE_KEY_FILE',
      parsePublicKey,
    )
    .option(
      '--head <instance=hash>',
      'a receipt that the file must contain, to detect a missing end; repeatable',
      parseHead,
    )
    .option('--complete', 'the receipts of each instance must start with its first')
    .option('--allow-unsigned', 'accept receipts without a signature');
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
