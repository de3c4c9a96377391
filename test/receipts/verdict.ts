/**
 * The verdict on a file of receipts that were signed with the key of this run.
 */
import { createPublicKey } from 'node:crypto';
import { type VerifyOptions, verifyReceipts } from '../../src/receipts/verify.ts';
import { newKey } from './deletions.ts';

export const key = newKey();
export const publicKeys = new Map([[key.keyId, createPublicKey(key.privateKey)]]);

/** Verifies bytes that come in pieces, cut wherever it happens. */
export async function verdictOn(
  content: string | Buffer | readonly string[],
  options: Partial<VerifyOptions> = {},
  pieceBytes = 64 * 1024,
) {
  const bytes = Buffer.from(Array.isArray(content) ? content.join('') : (content as string));
  async function* pieces() {
    for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
  }
  return verifyReceipts(pieces(), { publicKeys, ...options });
}
