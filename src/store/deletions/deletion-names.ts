/**
 * Under which names the deletions of users lie: hashes keyed with a secret that Redis itself keeps, so that every producer
 * knows them, and nobody who reads a job id can try out whose it is. Knows nothing of what becomes of a deletion.
 */
import { hash, randomBytes } from 'node:crypto';
import type { Queue } from 'bullmq';
import { type Change, type Decision, type Seen, changesIn } from '../../redis/change.ts';

/** Who is to be deleted: one id at least, of an instance by its configured name. */
export interface DeletionAddress {
  clientId?: string | undefined;
  userId?: string | undefined;
  instance: string;
  /** What else the user was found to be called. */
  also?: (Pick<DeletionAddress, 'clientId' | 'userId'> & { instance?: string | undefined }) | undefined;
}

/** The names of a user, by its clientId first: their hashes, made with a salt. */
export interface Names {
  prefix: string;
  salt: string;
  hashes: string[];
}

/** In front of the hash of each name. */
export function namesBaseOf(prefix: string): string {
  return `${prefix}:deletion:`;
}

/** The secret of the names. */
export function saltKeyOf(prefix: string): string {
  return `${prefix}:deletion-salt`;
}

/** What is pending: the ids of the jobs, by the epoch milliseconds when they are due. */
export function pendingKeyOf(prefix: string): string {
  return `${prefix}:deletions-pending`;
}

/** What an operator has decided over a deletion that the limit holds, by the id of its job. */
export function decisionKeyOf(prefix: string, jobId: string): string {
  return `${prefix}:deletion-decision:${jobId}`;
}

/** What is known of how a user's last deletion stood, in seconds: longer than a deletion is usually deferred. */
export const KEEP_NAME_S = 40 * 24 * 3600;

/** The answer to outdated names: they are no names any more, and nothing may be written. */
const STALE = 'stale';
/** 96 bits in base64url: enough to tell any number of users apart, and short in every job id. */
const HASH_LENGTH = 16;

/** The names under the prefix of the jobs' queue. */
export class DeletionNames {
  readonly prefix: string;
  readonly change: Change;
  #salt: Promise<string> | undefined;

  constructor({ prefix, jobs }: { prefix: string; jobs: Queue }) {
    this.prefix = prefix;
    this.change = changesIn(jobs);
  }

  /** Carries out what is decided about the names of the user. */
  async decide<Answer>(
    address: DeletionAddress,
    decide: (seen: Seen, names: Names) => Decision<Answer>,
  ): Promise<Answer> {
    return this.call<Answer>(address, async (names) =>
      this.change<Answer | typeof STALE>((seen) => {
        const decision = decide(seen, names);
        return seen.text('GET', saltKeyOf(this.prefix)) === names.salt ? decision : { answer: STALE };
      }),
    );
  }

  /** Calls a script with the names of the user; again where it answers that Redis has another secret by now. */
  async call<Reply>(
    address: DeletionAddress,
    script: (names: Names) => Promise<Reply | typeof STALE>,
  ): Promise<Reply> {
    for (;;) {
      this.#salt ??= this.change((seen) => firstSalt(seen, saltKeyOf(this.prefix)));
      try {
        const salt = await this.#salt;
        const reply = await script({ prefix: this.prefix, salt, hashes: hashesOf(address, salt) });
        if (reply !== STALE) return reply;
        this.#salt = undefined;
      } catch (error) {
        this.#salt = undefined;
        throw error;
      }
    }
  }
}

function firstSalt(seen: Seen, key: string): Decision<string> {
  const known = seen.text('GET', key);
  if (known !== undefined) return { answer: known };
  const fresh = randomBytes(32).toString('base64url');
  return { answer: fresh, writes: [['SET', key, fresh]] };
}

function hashesOf({ clientId, userId, instance, also }: DeletionAddress, salt: string): string[] {
  // A UserId is the same in every instance.
  const ids = [
    [instance, 'client', clientId],
    ['', 'user', userId?.toLowerCase()],
    [also?.instance ?? instance, 'client', also?.clientId],
    ['', 'user', also?.userId?.toLowerCase()],
  ].filter(([, , id]) => id !== undefined);
  // Cut off, a hash of secret and text is as good as an HMAC, which costs 7 us a name instead of 1.
  const all = ids.map((id) =>
    hash('sha256', JSON.stringify([salt, ...id]), 'base64url').slice(0, HASH_LENGTH),
  );
  return [...new Set(all)];
}
