/**
 * Gives each receipt its place in the chain of its instance: it names the hash of the one before it. The receipt is written in the
 * step that settles its deletion; its place follows from the end of the chain as this process knows it, and is taken anew if another
 * process was faster.
 */
import type { Queue } from 'bullmq';
import { GENESIS, type Receipt } from '../../contract/receipt.ts';
import type { Unchained } from '../../lifecycle/ports/user-state.ts';

/** A receipt's place in the chain of its instance. */
export interface Link {
  sequence: number;
  previous: string;
}

/** What the script that settles has to know of a receipt. */
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

/** `settle` answers `moved` where the receipt is not the next one any more; it is then called with another one. */
export type AppendReceipt = (
  statement: Unchained,
  settle: (next: NextReceipt) => Promise<unknown>,
) => Promise<unknown>;

/** The end of a chain, with all that this process has appended since it was last read from Redis. */
interface End {
  readonly last: Promise<{ sequence: number; hash: string }>;
  readonly reading: symbol;
}

/** Receipts that are appended at once follow on each other without waiting: their settlements may share a call. */
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
        // After an error the end of the chain is unknown and is read again, unless that was done since.
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

/** The key under which the end of an instance's chain of receipts lies. */
export function chainKey(prefix: string, instance: string): string {
  return `${prefix}:receipts:${instance}`;
}
