/**
 * `damoov-users receipts verify`: checks whether a file of receipts is intact, or names its first broken link.
 */
import { type KeyObject, createPublicKey } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { keyIdOf } from '../../contract/receipt.ts';
import type { Head } from '../../receipts/chains.ts';
import type { CommandContext } from '../common/command-context.ts';
import { type Break, type Verification, verifyReceipts } from '../../receipts/verify.ts';
import { UsageError } from '../common/usage-error.ts';
import { counted } from '../terminal/text.ts';

export interface VerifyCommandOptions {
  publicKey?: KeyObject[];
  head?: Head[];
  complete?: boolean;
  allowUnsigned?: boolean;
  json?: boolean;
}

/** Whether the file (`-`: the standard input) is intact. @throws UsageError if it cannot be checked. */
export async function verify(
  file: string,
  options: VerifyCommandOptions,
  context: CommandContext,
): Promise<boolean> {
  const keys = options.publicKey ?? (await configuredKeys(context));
  if (keys.length === 0 && options.allowUnsigned !== true) {
    throw new UsageError(
      'which key? Give --public-key, or set RECEIPT_PRIVATE_KEY_FILE, or --allow-unsigned',
    );
  }
  const bytes = file === '-' ? context.stdin : createReadStream(file, { highWaterMark: 512 * 1024 });
  const verification = await verifyReceipts(bytes, {
    publicKeys: new Map(keys.map((key) => [keyIdOf(key), key])),
    allowsUnsigned: options.allowUnsigned ?? false,
    isComplete: options.complete ?? false,
    heads: options.head ?? [],
  }).catch((error: NodeJS.ErrnoException) => {
    if (error.syscall === undefined) throw error;
    throw new UsageError(`${file} cannot be read (${error.code ?? error.syscall})`);
  });
  const isIntact = verification.broken === undefined;
  const text = options.json ? JSON.stringify({ isIntact, ...verification }) : describe(verification);
  context.stdout.write(`${text}\n`);
  return isIntact;
}

/** The public half of the key that signs here; only that part of the configuration is used, but all its faults are reported. */
async function configuredKeys(context: CommandContext): Promise<KeyObject[]> {
  const { receiptKey } = await context.loadConfig();
  return receiptKey === undefined ? [] : [createPublicKey(receiptKey.privateKey)];
}

function describe(verification: Verification): string {
  const { broken, receipts, duplicates, unsigned, chains } = verification;
  if (broken !== undefined) return describeBreak(broken);
  const spans = chains.map(({ instance, first, last }) => `${shown(instance)} ${first}-${last}`);
  const excerpts = chains.filter(({ first }) => first > 1);
  const notes = [
    ...excerpts.map(({ instance, first }) => `${shown(instance)} starts at ${first}`),
    ...(duplicates > 0 ? [`${counted(duplicates, 'line')} repeated a receipt`] : []),
    ...(unsigned > 0 ? [`${counted(unsigned, 'receipt')} not signed`] : []),
  ].map((note) => `; ${note}`);
  return `intact: ${counted(receipts, 'receipt')} of ${counted(chains.length, 'instance')} (${spans.join(', ')})${notes.join('')}`;
}

function describeBreak({ line, instance, sequence, fault }: Break): string {
  const where = line === undefined ? 'at the end' : `at line ${line}`;
  const ofInstance = instance === undefined ? '' : `instance ${shown(instance)}`;
  const which = sequence === undefined ? ofInstance : `${ofInstance}, sequence ${sequence}`;
  return `broken ${where}: ${which === '' ? '' : `${which}: `}${fault}`;
}

/** The instance names of a file may contain control characters, which a terminal obeys. */
function shown(instance: string): string {
  return /^[\w.-]+$/.test(instance) ? instance : JSON.stringify(instance);
}
