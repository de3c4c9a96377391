/**
 * The port behind which it is decided whether a deletion may still be sent. Who keeps that, and where, is not the pipeline's
 * business.
 */
import type { Run } from './user-ledger.ts';

export interface DeletionGuard {
  /**
   * Asked right before each DELETE. `go`: it may be sent, and from here on nobody can cancel it; `cancelled`: it must not;
   * `returned`: the user has signed up again since; `held`: not now, as too many were sent in this hour; `lost`: the job is no longer this run's.
   * @param instance by its configured name.
   * @param ids all that are known of the user.
   */
  commit(
    run: Pick<Run, 'jobId' | 'token'>,
    instance: string,
    ids: { clientId?: string | undefined; userId?: string | undefined },
    kind: 'sends' | 'sends nothing',
  ): Promise<'go' | 'cancelled' | 'returned' | 'held' | 'lost'>;
}
