/**
 * Reads one job: its state, times and masked data, and why it waits.
 */
import { readStoredJob } from '../../../bullmq/read-job.ts';
import { MAX_JOB_BYTES } from '../../../contract/job.ts';
import type { CircuitName } from '../../../lifecycle/ports/circuits.ts';
import type { OpenJob } from '../../../store/users/open-job.ts';
import { maskedData, maskedReason, maskedResult } from '../masked-data.ts';
import type { JobListSources } from './job-list.ts';
import { type JobRow, rowOf } from './job-row.ts';

export interface JobDetails extends JobRow {
  /** As BullMQ calls it; jobs with a priority wait, too. */
  state: string;
  /** Of a delayed job. */
  why?: (OpenJob & { heldBy?: CircuitName | undefined }) | undefined;
  attemptsStarted: number;
  stalls: number;
  data: unknown;
  /** Undefined unless it has failed. */
  reason?: string;
  /** Undefined unless it has completed. */
  result?: unknown;
}

/** Undefined if no such job is in the queue. */
export async function readJobDetails(
  { jobs, why, dueAt, heldBy }: Pick<JobListSources, 'jobs' | 'why' | 'dueAt' | 'heldBy'>,
  jobId: string,
): Promise<JobDetails | undefined> {
  const [job, stored] = await Promise.all([readStoredJob(jobs, jobId), jobs.getJobState(jobId)]);
  const row = rowOf(jobId, job);
  // One of BullMQ's own keys is no job.
  if (stored === 'unknown' && !row.isReadable) return undefined;
  const state = stored === 'prioritized' ? 'waiting' : stored;
  const [[reason], [due]] = state === 'delayed' ? await Promise.all([why([row]), dueAt([jobId])]) : [[], []];
  return {
    ...row,
    dueAt: due ?? (state === 'delayed' ? row.dueAt : undefined),
    state,
    why: reason?.is === 'held' ? { ...reason, heldBy: await heldBy(jobId) } : reason,
    attemptsStarted: job?.attemptsStarted ?? 0,
    stalls: job?.stalledCounter ?? 0,
    data: job === undefined ? undefined : maskedData(shownOf(job.data)),
    ...(state === 'failed' && { reason: maskedReason(shownOf(job?.failedReason ?? '')) }),
    ...(state === 'completed' && { result: maskedResult(shownOf(job?.returnvalue ?? '')) }),
  };
}

/** Undefined if it is too large: other clients may have added anything. */
function shownOf(text: string): string | undefined {
  return Buffer.byteLength(text) > MAX_JOB_BYTES ? undefined : text;
}
