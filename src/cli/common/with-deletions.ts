/**
 * Gives a command the deletions of the configured queue; reports invalid requests as bad usage.
 */
import type { Queue } from 'bullmq';
import { Results } from '../../client/results.ts';
import { type DeletionLimit, createDeletionLimit } from '../../store/circuits/deletion-limit.ts';
import { type Deletions, createDeletions } from '../../store/deletions/deletions.ts';
import { type Audit, auditOf } from './audited.ts';
import type { CommandContext } from './command-context.ts';
import { checkInstance } from './known-instance.ts';
import { openQueue } from '../../bullmq/open-queue.ts';
import { UsageError } from './usage-error.ts';
import { withRedis } from './with-redis.ts';

/** The user that a command concerns. */
export interface UserOptions {
  clientId?: string;
  userId?: string;
  instance?: string;
}

/** When something is due. */
export interface DueOptions {
  /** Milliseconds from now. */
  in?: number;
  /** Epoch milliseconds. */
  at?: number;
}

export interface DeletionsAccess {
  deletions: Deletions;
  deletionLimit: DeletionLimit;
  jobs: Queue;
  results: Results;
  audit: Audit;
}

/** @throws UsageError for an invalid request, and for an instance that is not configured. */
export async function withDeletions<T>(
  { instance }: UserOptions,
  context: CommandContext,
  work: (access: DeletionsAccess) => Promise<T>,
): Promise<T> {
  return withRedis(context, async (connection, config, target) => {
    checkInstance(instance, config);
    const { prefix, jobs: name } = config.queues;
    const jobs = openQueue(name, { connection, prefix });
    const results = new Results({ queue: jobs, connection, target });
    const deletions = createDeletions({ jobs, prefix });
    try {
      const deletionLimit = createDeletionLimit({ jobs, prefix });
      return await work({ deletions, deletionLimit, jobs, results, audit: auditOf(connection, config) });
    } catch (error) {
      const isOfRequest = error instanceof RangeError || error instanceof TypeError;
      throw isOfRequest ? new UsageError(error.message) : error;
    } finally {
      results.close();
    }
  });
}

/** @throws UsageError if a command names no user. */
export function named({ clientId, userId, instance }: UserOptions): UserOptions {
  if (clientId === undefined && userId === undefined)
    throw new UsageError('name the user: --client-id or --user-id');
  return {
    ...(clientId !== undefined && { clientId }),
    ...(userId !== undefined && { userId }),
    ...(instance !== undefined && { instance }),
  };
}
