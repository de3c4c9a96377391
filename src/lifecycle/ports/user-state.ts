/**
 * The port that stores user records and outcomes between runs, guarded by locks.
 */
import { z } from 'zod';
import type { UserEvent } from '../../contract/event.ts';
import type { JobName } from '../../contract/job.ts';
import type { Settled } from '../../contract/outcome.ts';
import type { Statement } from '../../contract/receipt.ts';
import type { Version } from '../../contract/version.ts';
import type { Instance, RecordUpdate, UserRecord } from '../../operations/context.ts';
import type { DeletionIds, LockProof } from './deletion-guard.ts';
import type { CircuitName, Passage } from './circuits.ts';

/** One run of a job. */
export interface Run {
  jobId: string;
  /** Unique for each run: the fencing token. */
  nonce: string;
  /** The job's timestamp: another job may reuse its id. */
  timestamp: number;
  /** The id of the job scheduler that added the job. */
  scheduler?: string | undefined;
  /** Whether the job was taken before. */
  hasRunBefore: boolean;
  /** How often the job has stalled so far: a run after a stall does not know how the previous one ended. */
  stalls: number;
}

/** The user of a job: every id that the job or the derivation gives. */
export interface Address {
  clientId?: string | undefined;
  userId?: string | undefined;
  /** `derived`: the job did not name the userId; it is derived from the clientId. */
  userIdIs?: 'named' | 'derived';
}

/** The user that a job concerns, and the job's version. */
export interface Whose {
  instance: Instance;
  address: Address;
  version: Version;
}

/** A receipt without its place in the chain of its instance; it gets one when its deletion is settled. */
export type Unchained = Omit<Statement, 'sequence' | 'previous'> & { keyId?: string | undefined };

/** The final outcome of a job, and its event. */
export interface Settlement {
  outcome: Settled;
  attempts: number;
  event: UserEvent;
  /** Of a deletion: the statement of its receipt. */
  statement?: Unchained | undefined;
  /** Its effect on the user's deletions. */
  deletions?: DeletionsChange | undefined;
}

/** The effect of a settled job on the deletions of a user, named by all known ids. */
export interface DeletionsChange extends DeletionIds {
  instance: string;
  /**
   * `sign-up`: it cancels every pending deletion that was requested before the job's version. Otherwise how this deletion ended: `done`:
   * carried out; `unsent`: nothing was sent or left open. `renamed`: no deletion ended; the user has another name from now on.
   */
  is: 'sign-up' | 'done' | 'failed' | 'unsent' | 'other' | 'renamed';
}

/** The stored outcome: without the user's tokens and the job's data. */
export const StoredOutcome = z.object({
  outcome: z.custom<Settled>((value) => typeof value === 'object' && value !== null && 'status' in value),
  attempts: z.number(),
  /** Epoch milliseconds. */
  at: z.number(),
});
export type StoredOutcome = z.infer<typeof StoredOutcome>;

/** A job that is settled. Its user stays locked until {@link UserState.release}. */
export interface SettledJob {
  kept: StoredOutcome;
  /** The event, if it may not be published yet. */
  event?: UserEvent | undefined;
  /** Key of the user's record; '' if the job has no user. */
  user: string;
  /** The outcome outlives the job: a repeated request with the same idempotency key gets it. */
  isKept: boolean;
  /** Failed jobs of a deleted user, whose data must be erased. */
  olderFailed: readonly Version[];
}

/** Why a job goes on later. */
export const Later = z.object({
  status: z.enum(['wait', 'retry', 'held']),
  reason: z.string().optional(),
  /** When its run ended, in epoch milliseconds. */
  at: z.number().optional(),
});
export type Later = z.infer<typeof Later>;

/** The run has locked the user until it settles or unlocks. */
export interface UserLock {
  readonly record: UserRecord;
  /** A create locked a user that is recorded under another clientId; its own clientId stays locked, too. */
  readonly isOfAnotherName: boolean;
  /** Proof that this run has the lock. */
  readonly lock: LockProof;
  /** Whether a request sent now ends before the lock's lease does. */
  maySend(): boolean;
  /** Locks the user of this id in place of the current one. */
  lockAlso(userId: string): Promise<Begun>;
  /**
   * Locks the clientId that the user is to get in this instance, besides the user, until this run settles or unlocks. Returns the record
   * of that clientId; a sign-up with it waits until the rename or the move is settled.
   */
  lockClientId(
    clientId: string,
    instance: Instance,
  ): Promise<{ is: 'locked'; record: UserRecord } | { is: 'blocked' } | { is: 'lost' }>;
  /** Stores the record update and the outcome in one step, if this run still holds the lock. */
  settle(settlement: Settlement, recordUpdate: RecordUpdate): Promise<SettledJob | 'lost'>;
  /** Unlocks the user: the job runs again later, for this reason, or on another worker. */
  unlock(recordUpdate: RecordUpdate, why?: Later): Promise<'ok' | 'lost'>;
  /** Ends the run: if the user is still locked, the lock ends with its lease. */
  end(): void;
}

/** The record in whose queue a job is blocked, and its longest delay without a promotion. */
export interface Blocked {
  is: 'blocked';
  recordId: string;
  /** The time of its version, in milliseconds. */
  score: string;
  patienceMs: number;
}

export type Begun =
  | { is: 'locked'; user: UserLock; passage: Passage }
  /** A circuit is open: this job is held behind it. */
  | { is: 'held'; circuit: CircuitName }
  /** An earlier run has settled the job. */
  | { is: 'settled'; settled: SettledJob }
  /** Another job has locked the user: this job is blocked until it is promoted. */
  | Blocked
  /** The run has lost the job. */
  | { is: 'lost' };

export interface UserState {
  begin(
    run: Run,
    job: {
      name: JobName;
      version: Version;
      timestamp: number;
      asksFor?: string | undefined;
    },
    instance: Instance,
    address: Address,
    circuits: { must: readonly CircuitName[]; may: readonly CircuitName[] },
  ): Promise<Begun>;
  /**
   * Settles a job without locking a user, because the job cannot be carried out.
   * @param whose the user that the job concerns, if it names one.
   * @returns how an earlier run settled the job, if one did: then nothing is changed.
   */
  settleWithoutUser(run: Run, settlement: Settlement, whose?: Whose): Promise<SettledJob>;
  /** How a job was settled, while it may be delivered again. */
  find(jobId: string): Promise<SettledJob | undefined>;
  /**
   * Unlocks the user of a settled job, once its event is published and its older failed jobs are erased. Callers need not wait: if it is
   * interrupted, the lock ends with its lease.
   */
  release(jobId: string, settled: SettledJob): void;
  /** Resolves once every pending release is done. */
  close(): Promise<void>;
  /** Whether the user of a job that was just delayed is already unlocked: then no run will promote the job. */
  isFree(run: Run, blocked: Blocked): Promise<boolean>;
}
