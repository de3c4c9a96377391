/**
 * The port behind which it is decided whether a deletion may still be sent. Who keeps that, and where, is not the pipeline's
 * business.
 */
import type { Run } from './user-state.ts';

/** What shows that a user is locked for a run: a field of a hash that has this value. */
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

/** Who is meant: the ids that the job names, and those that the user was found to have. */
export interface DeletionIds extends Ids {
  also?: Ids | undefined;
}

export interface DeletionGuard {
  /**
   * Asked before a deletion waits for its user or a circuit. `cancelled`, `refused`: it ends at once; `released`: the deletion limit does
   * not concern it, since an operator has released it or it may have been sent before. `requestedAt`: when it was asked for last, and
   * `dueAt`: when it was due as we know it, in epoch milliseconds.
   * @param instance by its configured name.
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
  }>;
  /**
   * Asked right before each DELETE. `go`: it may be sent, and from here on it cannot be cancelled; `cancelled`: it must not;
   * `returned`: the user has signed up again since; `held`: not now, as too many were sent in this hour; `lost`: this run no longer
   * holds the lock of the user.
   * @param instance by its configured name.
   */
  authorizeDelete(
    run: DeletionRun,
    lock: LockProof,
    instance: string,
    ids: DeletionIds,
    kind: 'sends' | 'sends nothing',
  ): Promise<'go' | 'cancelled' | 'returned' | 'held' | 'lost'>;
}
