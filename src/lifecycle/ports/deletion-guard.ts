/**
 * The port that decides whether a deletion may still be sent.
 */
import type { Suspension } from '../../operations/context.ts';
import type { Run } from './user-state.ts';

/** Proof that a run has locked a user: a field of a hash that has this value. */
export interface LockProof {
  key: string;
  field: string;
  value: string;
}

export type DeletionRun = Pick<Run, 'jobId' | 'timestamp' | 'scheduler'>;

interface Ids {
  clientId?: string | undefined;
  userId?: string | undefined;
}

/** The ids that the job names; `also`: those that the user was found to have, and the configured name of its instance. */
export interface DeletionIds extends Ids {
  also?: (Ids & { instance?: string | undefined }) | undefined;
}

/** `signedUpAt`: of the newest sign-up on record, in epoch milliseconds. */
export interface SuspensionStep {
  does: 'suspend' | 'resume';
  userId?: string | undefined;
  signedUpAt?: number | undefined;
}

export interface DeletionGuard {
  /**
   * Called before a deletion waits for its user or a circuit. `cancelled`, `refused`: it ends at once; `released`: the deletion limit
   * does not apply, because an operator released it or it may have been sent before. `requestedAt`: time of the latest request; `dueAt`:
   * its due time, if known; both in epoch milliseconds.
   * @param instance its configured name.
   * @param ids that the job names.
   */
  check(
    run: DeletionRun,
    instance: string,
    ids: Ids,
  ): Promise<{
    is: 'open' | 'released' | 'cancelled' | 'refused';
    requestedAt: number;
    dueAt?: number | undefined;
    /** Set for a deletion that suspends its user: what it does now; `await`: nothing until it is due. */
    suspension?: Suspension | { does: 'await'; dueAt: number; userId?: string | undefined } | undefined;
  }>;
  /**
   * Called right before the user is suspended: records that, with the UserId. Called right before the user is resumed: ends the deletion,
   * so that a new request is another one. `changed`: the deletion has to do something else now; `lost`: this run no longer holds the
   * user's lock.
   */
  authorizeSuspension(
    run: DeletionRun,
    lock: LockProof,
    instance: string,
    ids: DeletionIds,
    asked: SuspensionStep,
  ): Promise<'go' | 'changed' | 'lost'>;
  /** Records that the user is suspended until the deletion, or that there is nothing to suspend. */
  noteSuspension(run: DeletionRun, state: 'suspended' | 'unchanged'): Promise<void>;
  /**
   * Called right before each DELETE. `go`: it may be sent, and can no longer be cancelled; `cancelled`: it must not be sent; `returned`:
   * the user has signed up again; `held`: the hour's deletion limit is reached; `early`: it was moved and is not due; `lost`: this run no
   * longer holds the user's lock.
   * @param instance its configured name.
   */
  authorizeDelete(
    run: DeletionRun,
    lock: LockProof,
    instance: string,
    ids: DeletionIds,
    kind: 'sends' | 'sends nothing',
  ): Promise<'go' | 'cancelled' | 'returned' | 'held' | 'early' | 'lost'>;
}
