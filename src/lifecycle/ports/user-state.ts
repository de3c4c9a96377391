/**
 * Stores user records and outcomes between runs, guarded by locks. Only the port: who keeps it,
 * and where, is not the pipeline's business.
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
  /** Of the job: another one may come to bear the same id. */
  timestamp: number;
  /** The id of the job scheduler that has added the job. */
  scheduler?: string | undefined;
  /** Whether the job was taken before. */
  hasRunBefore: boolean;
  /** How often the job has stalled so far: a run that comes after a stall was not told how the one before it ended. */
  stalls: number;
}

/** The user of a job, by every id that the job or the derivation gives. */
export interface Address {
  clientId?: string | undefined;
  userId?: string | undefined;
  /** `derived`: the job did not name the userId, it follows from the clientId. */
  userIdIs?: 'named' | 'derived';
}

/** Whom a job says that it concerns, and when it happened. */
export interface Whose {
  instance: Instance;
  address: Address;
  version: Version;
}

/** A receipt that gets its place in the chain of its instance when its deletion is settled. */
export type Unchained = Omit<Statement, 'sequence' | 'previous'> & { keyId?: string | undefined };

/** How a job ended for good, and with which event. */
export interface Settlement {
  outcome: Settled;
  attempts: number;
  event: UserEvent;
  /** Of a deletion: it is to have this receipt. */
  statement?: Unchained | undefined;
  /** What it means for the deletions of a user. */
  deletions?: DeletionsChange | undefined;
}

/** What a settled job means for the deletions of a user, who is named by all that is known. */
export interface DeletionsChange extends DeletionIds {
  instance: string;
  /**
   * `sign-up`, at the job's version: a deletion that is pending and was asked for before is not wanted any more. Else how this deletion
   * ended: `done`: it was carried out; `unsent`: nothing was sent, and nothing is left open.
   */
  is: 'sign-up' | 'done' | 'failed' | 'unsent' | 'other';
}

/** The stored outcome: without the user's tokens and without what the job itself says. */
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
  /** Where it may not be published yet. */
  event?: UserEvent | undefined;
  /** Where its user is kept; '' where it has none. */
  user: string;
  /** Another job waits for the result. */
  isKept: boolean;
  /** Failed jobs of a user who is deleted: what they say is to be erased. */
  olderFailed: readonly Version[];
}

/** The user is this run's alone, until it settles or lets go. */
export interface UserLock {
  readonly record: UserRecord;
  /** A create has locked a user that is remembered under another clientId: its own clientId stays held, too. */
  readonly isOfAnotherName: boolean;
  /** Shows that the user is this run's. */
  readonly lock: LockProof;
  /** Whether a request that is sent now ends, one way or the other, while the user is ours. */
  maySend(): boolean;
  /** Takes the user of this id; from here on that one is held, in place of this. */
  lockAlso(userId: string): Promise<Begun>;
  /**
   * Locks a clientId that the user is to get, besides the user, until this run settles or lets go. Answers the record under it;
   * until the rename is settled, a sign-up under it waits.
   */
  lockName(
    clientId: string,
  ): Promise<{ is: 'locked'; record: UserRecord } | { is: 'blocked' } | { is: 'lost' }>;
  /** Stores the record update and the outcome in one step, if this run still holds the lock. */
  settle(settlement: Settlement, recordUpdate: RecordUpdate): Promise<SettledJob | 'lost'>;
  /** Lets the user go: the job goes on later, or elsewhere. */
  unlock(recordUpdate: RecordUpdate): Promise<'ok' | 'lost'>;
  /** The run is over, however that came: a user that it still has is free once the lease has run out. */
  end(): void;
}

/** The place of a blocked job in its user's queue, and its longest delay without a promotion. */
export interface Blocked {
  is: 'blocked';
  place: string;
  /** The ms of its version. */
  score: string;
  patienceMs: number;
}

export type Begun =
  | { is: 'locked'; user: UserLock; passage: Passage }
  /** A circuit is open: this job is put before it. */
  | { is: 'held'; circuit: CircuitName }
  /** An earlier run has settled the job. */
  | { is: 'settled'; settled: SettledJob }
  /** Another job has the user: this one is blocked until it is promoted. */
  | Blocked
  /** The job is no longer this run's. */
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
   * Settles a job that takes no user, because it cannot be carried out.
   * @param whose the user it concerns all the same, where it tells.
   * @returns how an earlier run has settled the job, if one has: then nothing is changed.
   */
  settleUnread(run: Run, settlement: Settlement, whose?: Whose): Promise<SettledJob>;
  /** How a job was settled, while it may still come again. */
  find(jobId: string): Promise<SettledJob | undefined>;
  /**
   * The event of a settled job is published, and what its older failed jobs said is erased: its user is free. Nobody has to wait for
   * it: a run that is cut off before leaves the user locked for as long as a lease.
   */
  release(jobId: string, settled: SettledJob): void;
  /** Resolves once all is released that is to be. */
  close(): Promise<void>;
  /** Whether the user of a job that was just delayed is unlocked by now, so that no run will promote the job. */
  isFree(run: Run, blocked: Blocked): Promise<boolean>;
}
