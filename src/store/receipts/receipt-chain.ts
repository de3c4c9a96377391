/**
 * Gives each receipt its place in the chain of its instance: it contains the hash of the previous receipt. The step that settles the
 * deletion also writes the receipt. Its place is taken from this process's copy of the chain's end, and is read again if another process
 * was faster.
 */
import type { Queue } from 'bullmq';
import { GENESIS, type Receipt } from '../../contract/receipt.ts';
import type { Unchained } from '../../lifecycle/ports/user-state.ts';

/** A receipt's place in the chain of its instance. */
export interface Link {
  sequence: number;
  previous: string;
}

/** What the settling script needs to write a receipt. */
export interface NextReceipt {
  key: string;
  sequence: string;
  previous: string;
  hash: string;
}

export interface ReceiptChainOptions {
  prefix: string;
  jobs: Queue;
  sign: (statement: Unchained & Link) => Receipt;
}

/** `settle` answers `moved` if another receipt took the place; it is then called with a new place. */
export type AppendReceipt = (
  statement: Unchained,
  settle: (next: NextReceipt) => Promise<unknown>,
) => Promise<unknown>;

/** The end of a chain, including what this process appended since it last read Redis. */
interface End {
  readonly last: Promise<{ sequence: number; hash: string }>;
  readonly reading: symbol;
}

/** Receipts appended at the same time do not wait for each other: their settlements may share a call. */
export function createReceiptChain({ prefix, jobs, sign }: ReceiptChainOptions): AppendReceipt {
  const ends = new Map<string, End>();

  return async (statement, settle) => {
    const key = chainKey(prefix, statement.instance);
    for (;;) {
      const { last, reading } = ends.get(key) ?? { last: read(key), reading: Symbol(key) };
      const next = last.then(({ sequence, hash }) =>
        sign({ ...statement, sequence: sequence + 1, previous: hash }),
      );
      ends.set(key, { last: next, reading });
      let reply: unknown;
      try {
        const { sequence, previous, hash } = await next;
        reply = await settle({ key, sequence: String(sequence), previous, hash });
        if (reply !== 'moved') return reply;
      } finally {
        // After an error the end of the chain is unknown and is read again, unless that has happened since.
        if ((reply === undefined || reply === 'moved') && ends.get(key)?.reading === reading)
          ends.delete(key);
      }
    }
  };

  async function read(key: string): Promise<{ sequence: number; hash: string }> {
    const client = await jobs.getBackend().client;
    const [sequence, hash] = await client.hmget(key, 'sequence', 'hash');
    return { sequence: Number(sequence ?? 0), hash: hash ?? GENESIS };
  }
}

/** The key of the end of an instance's chain of receipts. */
export function chainKey(prefix: string, instance: string): string {
  return `${prefix}:receipts:${instance}`;
}
