/**
 * Gives a command the deletions of the configured queue, and turns what cannot be asked of them into bad usage.
 */
import { Queue } from 'bullmq';
import { type Brake, createBrake } from '../redis/gates/brake.ts';
import { type Deletions, createDeletions } from '../redis/deletions/deletions.ts';
import { type Results, createResults } from '../producer/results.ts';
import type { CommandContext } from './context.ts';
import { checkInstance } from './known-instance.ts';
import { UsageError } from './usage-error.ts';
import { withRedis } from './with-redis.ts';

/** Whom a command is about. */
export interface UserOptions {
  clientId?: string;
  userId?: string;
  instance?: string;
}

/** How a job ended, once it has. */
type ResultOf = Results['of'];

/** @throws UsageError for a request that is none, and for an instance that nobody configured. */
export async function withDeletions<T>(
  { instance }: UserOptions,
  context: CommandContext,
  work: (deletions: Deletions, brake: Brake, resultOf: ResultOf) => Promise<T>,
): Promise<T> {
  return withRedis(context, async (connection, config, target) => {
    checkInstance(instance, config);
    const { prefix, jobs: name } = config.queues;
    const jobs = new Queue(name, { connection, prefix, skipMetasUpdate: true });
    // Only echoes what the connection says itself; without a listener BullMQ would print it.
    jobs.on('error', () => {});
    const results = createResults(jobs, target);
    try {
      return await work(createDeletions({ jobs, prefix }), createBrake({ jobs, prefix }), (jobId, limit) =>
        results.of(jobId, limit),
      );
    } catch (error) {
      const isOfRequest = error instanceof RangeError || error instanceof TypeError;
      throw isOfRequest ? new UsageError(error.message) : error;
    } finally {
      results.close();
    }
  });
}

/** @throws UsageError where a command names nobody. */
export function named({ clientId, userId, instance }: UserOptions): UserOptions {
  if (clientId === undefined && userId === undefined)
    throw new UsageError('name the user: --client-id or --user-id');
  return {
    ...(clientId !== undefined && { clientId }),
    ...(userId !== undefined && { userId }),
    ...(instance !== undefined && { instance }),
  };
}
