/**
 * The receipt chains of a file, one for each instance: each receipt follows the previous one.
 */
import { GENESIS, type Receipt } from '../contract/receipt.ts';

/** The part of an instance's chain in a file. */
export interface Chain {
  instance: string;
  /** The sequences of its first and last receipt. */
  first: number;
  last: number;
  /** The hash of its last receipt. */
  head: string;
}

/** A hash that the chain of an instance must contain: a former end of the chain, noted elsewhere. */
export interface Head {
  instance: string;
  hash: string;
}

export interface Chains {
  /** Appends a receipt; returns whether it is a duplicate, or its fault. */
  follow(receipt: Receipt): 'new' | 'duplicate' | { fault: string };
  /** In the order in which they began. */
  all(): Chain[];
}

/** Events are delivered at least once: a duplicate of one of this many last receipts is recognised. */
const REMEMBERED = 10_000;

/** @param isComplete whether each chain must begin with its first receipt. */
export function createChains({ isComplete }: { isComplete: boolean }): Chains {
  const chains = new Map<string, { chain: Chain; hashes: Map<number, string> }>();
  return {
    follow(receipt) {
      const { instance, sequence, hash } = receipt;
      const known = chains.get(instance);
      if (known !== undefined && sequence <= known.chain.last) {
        const earlier = known.hashes.get(sequence);
        if (earlier === hash) return 'duplicate';
        if (earlier !== undefined) return { fault: 'an earlier receipt has this sequence and other content' };
        return { fault: `comes after sequence ${known.chain.last}` };
      }
      const fault = known ? faultOfNext(receipt, known.chain) : faultOfFirst(receipt, isComplete);
      if (fault !== undefined) return { fault };
      const hashes = known?.hashes ?? new Map<number, string>();
      hashes.set(sequence, hash).delete(sequence - REMEMBERED);
      const first = known?.chain.first ?? sequence;
      chains.set(instance, { chain: { instance, first, last: sequence, head: hash }, hashes });
      return 'new';
    },
    all: () => [...chains.values()].map(({ chain }) => chain),
  };
}

function faultOfFirst({ sequence, previous }: Receipt, isComplete: boolean): string | undefined {
  if (sequence > 1) return isComplete ? `${missing(1, sequence - 1)} before it` : undefined;
  return previous === GENESIS ? undefined : 'is the first, and names one before it';
}

function faultOfNext({ sequence, previous }: Receipt, { last, head }: Chain): string | undefined {
  if (sequence > last + 1) return `${missing(last + 1, sequence - 1)} before it`;
  return previous === head ? undefined : `does not follow the receipt with sequence ${last}`;
}

function missing(from: number, to: number): string {
  return from === to ? `sequence ${from} is missing` : `sequences ${from} to ${to} are missing`;
}
