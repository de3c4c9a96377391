/**
 * Adds and moves the delayed BullMQ jobs of deletions. Does not decide when.
 */
import { type JobsOptions, Job, type Queue } from 'bullmq';
import { handleOf, unlessElsewhere } from '../../bullmq/elsewhere.ts';
import { BULK_PRIORITY } from '../../contract/job-options.ts';

export interface DeletionJob {
  jobId: string;
  data: object;
  /** Epoch milliseconds, both. */
  requestedAt: number;
  dueAt: number;
  trace?: string | undefined;
  isBulk?: boolean | undefined;
}

/** Adds the job; if there is one of its id already, nothing. */
export async function addJob(
  jobs: Queue,
  { jobId, data, requestedAt, dueAt, trace, isBulk = false }: DeletionJob,
): Promise<void> {
  const delay = Math.max(0, dueAt - requestedAt);
  const opts: JobsOptions = {
    ...(delay > 0 && { delay }),
    ...(isBulk && { priority: BULK_PRIORITY }),
    // One that is deferred would cost twice as much with it.
    ...(trace !== undefined && trace !== '' && delay === 0 && { telemetry: { metadata: trace } }),
  };
  // Its id and its time are not among the options: Redis would keep them twice, a million times over.
  const job = new Job(jobs, 'delete-user', data, opts, jobId);
  job.timestamp = requestedAt;
  await job.addJob(await jobs.getBackend().client);
}

/** Has the job due at another time. False if it does not wait for its time. */
export async function moveJob(jobs: Queue, jobId: string, dueAt: number): Promise<boolean> {
  return unlessElsewhere(handleOf(jobs, jobId).changeDelay(Math.max(0, dueAt - Date.now())));
}
