/**
 * Gives each receipt its place in the chain of its instance: it names the hash of the one before it. The receipt is written in the
 * step that settles its deletion, so its place is read first, and taken anew if another process was faster.
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
  /** The sequence of the one before it. */
  after: string;
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

/** The receipts of one process and instance are appended one after the other. */
export function createReceiptChain({ prefix, jobs, sign }: ReceiptChainOptions): AppendReceipt {
  const lastOf = new Map<string, Promise<unknown>>();

  return async (statement, settle) => {
    const key = chainKey(prefix, statement.instance);
    const turn = (lastOf.get(key) ?? Promise.resolve()).then(async () => append(key, statement, settle));
    lastOf.set(
      key,
      turn.catch(() => {}),
    );
    return turn;
  };

  async function append(
    key: string,
    statement: Unchained,
    settle: (next: NextReceipt) => Promise<unknown>,
  ): Promise<unknown> {
    for (;;) {
      const client = await jobs.getBackend().client;
      const [last, hashOfLast] = await client.hmget(key, 'sequence', 'hash');
      const after = last ?? '0';
      const link = { sequence: Number(after) + 1, previous: hashOfLast ?? GENESIS };
      const { hash } = sign({ ...statement, ...link });
      const reply = await settle({
        key,
        after,
        ...link,
        sequence: String(link.sequence),
        hash,
      });
      if (reply !== 'moved') return reply;
    }
  }
}

/** The key under which the end of an instance's chain of receipts lies. */
export function chainKey(prefix: string, instance: string): string {
  return `${prefix}:receipts:${instance}`;
}
