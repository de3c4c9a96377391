/**
 * The outcome of a job, from the finished job in the queue, and its tokens from their own key.
 */
import type { Job, Queue } from 'bullmq';
import { type JobResult, readResult } from '../contract/event.ts';
import { isJobName, referenceOfText } from '../contract/job.ts';
import { failureIn } from '../contract/outcome.ts';
import { type RedisConnection, isLostConnection } from '../redis/connection.ts';
import { UserTokens, userTokensKey } from '../store/users/user-tokens.ts';

/** The result is unknown: no job was added under this id, or the queue no longer keeps it and its event was published. */
export class ResultUnknownError extends Error {
  override readonly name = 'ResultUnknownError';
}

/** Undefined while it has not ended. */
export async function readEnd(
  queue: Queue,
  connection: RedisConnection,
  id: string,
): Promise<JobResult | undefined> {
  const job = await queue.getJob(id);
  if (job === undefined) {
    throw new ResultUnknownError(
      `the queue ${queue.name} has no job ${id}: none was added under this id, or it has ended and was removed`,
    );
  }
  if (job.finishedOn === undefined) return undefined;
  const result = resultOf(job);
  // A caller that may not read the tokens gets the result without them.
  return withTokens(queue, connection, result).catch((error: unknown) => {
    if (isLostConnection(error)) throw error;
    return result;
  });
}

/** The tokens of a sign-up, while they are stored. */
async function withTokens(queue: Queue, connection: RedisConnection, result: JobResult): Promise<JobResult> {
  if (result.type !== 'user.created') return result;
  const { userId, jobId } = result.data;
  const kept = await connection.get(userTokensKey(queue.opts.prefix ?? '', userId));
  if (kept === null) return result;
  const { jobId: of, ...tokens } = UserTokens.parse(JSON.parse(kept));
  return of === jobId ? { ...result, data: { ...result.data, ...tokens } } : result;
}

const DONE = {
  'create-user': 'user.created',
  'update-user': 'user.updated',
  'delete-user': 'user.deleted',
  'move-user': 'user.moved',
} as const;

/** The event of a finished job, from the rest of the job. */
function resultOf(job: Job): JobResult {
  const result = readResult(job.returnvalue === null ? failureOf(job) : successOf(job));
  if (result === undefined)
    throw new ResultUnknownError(`job ${job.id} was not ended by a worker of this contract`);
  return result;
}

function successOf({ name, returnvalue }: Job): unknown {
  const isSuperseded = typeof returnvalue === 'object' && 'by' in returnvalue;
  return { type: isSuperseded ? 'user.superseded' : isJobName(name) && DONE[name], data: returnvalue };
}

function failureOf({ id: jobId, name, data, failedReason, attemptsMade: attempts }: Job): unknown {
  const { occurredAt: _, ...reference } = referenceOfText(JSON.stringify(data));
  return {
    type: 'user.failed',
    data: {
      instance: 'default',
      ...reference,
      jobId,
      operation: isJobName(name) ? name : 'unknown',
      // A failure of the queue itself, such as too many stalls, has its own text.
      ...(failureIn(failedReason ?? '') ?? { code: 'retries-exhausted', message: failedReason }),
      attempts,
    },
  };
}
