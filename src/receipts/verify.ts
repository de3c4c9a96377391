/**
 * Verifies a stream of receipts, and finds the first broken link: each line, its signature, its place in the chain.
 */
import type { KeyObject } from 'node:crypto';
import { type Receipt, isSignedBy } from '../contract/receipt.ts';
import { type Chain, type Head, createChains } from './chains.ts';
import { cutLines } from '../rows/cut-lines.ts';
import { type Fault, MAX_LINE_BYTES, readLine } from './read-line.ts';

export interface VerifyOptions {
  /** By id (`keyIdOf`): each receipt must be signed with one of them. */
  publicKeys: ReadonlyMap<string, KeyObject>;
  /** Whether receipts without a signature pass. Default no. */
  allowsUnsigned?: boolean;
  /** Whether each chain must begin with its first receipt. Default no: the file may be an excerpt. */
  isComplete?: boolean;
  /** Hashes that the file must contain. */
  heads?: readonly Head[];
}

/** The first broken link. */
export interface Break {
  /** Counted from 1; absent if something is missing at the end. */
  line?: number;
  /** Absent if the line cannot be read as a receipt. */
  instance?: string;
  sequence?: number;
  fault: string;
}

export interface Verification {
  /** Valid ones up to the first broken link; duplicates count once. */
  receipts: number;
  /** Number of duplicate lines. */
  duplicates: number;
  unsigned: number;
  chains: Chain[];
  /** Absent if everything is intact. */
  broken?: Break;
}

/** Reads NDJSON, each line a receipt or a `user.deleted` event that holds one, until the first broken link. */
export async function verifyReceipts(
  chunks: AsyncIterable<Uint8Array>,
  { publicKeys, allowsUnsigned = false, isComplete = false, heads = [] }: VerifyOptions,
): Promise<Verification> {
  const chains = createChains({ isComplete });
  const counts = { receipts: 0, duplicates: 0, unsigned: 0 };
  const awaited = new Set(heads);
  let line = 0;
  const verification = (broken?: Break): Verification => ({
    ...counts,
    chains: chains.all(),
    ...(broken && { broken }),
  });

  for await (const bytes of cutLines(chunks, MAX_LINE_BYTES)) {
    line += 1;
    if (bytes.length === 0) continue;
    const found = checkReceipt(bytes, publicKeys, allowsUnsigned);
    if ('fault' in found) return verification(breakAt(line, found));
    const step = chains.follow(found);
    if (typeof step === 'object') return verification(breakAt(line, { ...step, receipt: found }));
    if (step === 'duplicate') {
      counts.duplicates += 1;
      continue;
    }
    counts.receipts += 1;
    if (found.signature === undefined) counts.unsigned += 1;
    for (const head of awaited) {
      if (head.instance === found.instance && head.hash === found.hash) awaited.delete(head);
    }
  }
  const [cut] = awaited;
  if (cut !== undefined) return verification(breakAtEnd(cut, chains.all()));
  return counts.receipts === 0 ? verification({ fault: 'there is no receipt' }) : verification();
}

function checkReceipt(
  bytes: Buffer,
  publicKeys: VerifyOptions['publicKeys'],
  allowsUnsigned: boolean,
): Receipt | Fault {
  const receipt = readLine(bytes);
  if ('fault' in receipt) return receipt;
  const { keyId, signature } = receipt;
  if (keyId === undefined && signature === undefined) {
    return allowsUnsigned ? receipt : { fault: 'is not signed', receipt };
  }
  if (keyId === undefined) return { fault: 'has a signature but names no key', receipt };
  if (signature === undefined) return { fault: 'names a key but has no signature', receipt };
  const key = publicKeys.get(keyId);
  if (key === undefined)
    return { fault: `is signed with key ${keyId}, which is not among the given keys`, receipt };
  return isSignedBy(receipt, key) ? receipt : { fault: `the signature is not of key ${keyId}`, receipt };
}

function breakAt(line: number, { fault, receipt }: Fault): Break {
  return { line, ...(receipt && { instance: receipt.instance, sequence: receipt.sequence }), fault };
}

function breakAtEnd({ instance, hash }: Head, chains: Chain[]): Break {
  const last = chains.find((chain) => chain.instance === instance)?.last;
  return { instance, ...(last !== undefined && { sequence: last }), fault: `the head ${hash} is not there` };
}
