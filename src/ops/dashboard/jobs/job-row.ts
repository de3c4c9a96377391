/**
 * What a list shows of a job: ids, times and codes from closed lists; no other data of the job leaves this file.
 */
import type { Queue } from 'bullmq';
import { type StoredJob, fewAtATime, readStoredJob } from '../../../bullmq/read-job.ts';
import { MAX_JOB_BYTES, UNKNOWN, referenceOfText } from '../../../contract/job.ts';
import { type FailureCode, failureIn } from '../../../contract/outcome.ts';
import { maskedName, maskedResult } from '../masked-data.ts';
import type { UserIds } from '../paths.ts';

/** Times in epoch milliseconds; undefined if unknown. */
export interface JobRow extends UserIds {
  jobId: string;
  /** Its name, or `unknown`, also if it cannot be read. */
  operation: string;
  /** False if only its id is left, or another client has written what cannot be read. */
  isReadable: boolean;
  addedAt: number | undefined;
  /** When it was to run, as it was added; of a job that has run before it is not known. */
  dueAt: number | undefined;
  startedAt: number | undefined;
  endedAt: number | undefined;
  attempts: number;
  priority: number;
  /** Of a failed job; `unknown` if no worker of ours failed it: its reason may quote anything. */
  code?: FailureCode | typeof UNKNOWN;
  message?: string;
  /** Of a completed job, in plain words; undefined if no worker of ours wrote its result. */
  outcome?: string | undefined;
}

/** How many jobs are read at once: jobs of other clients may be large, and this process has other work. */
const AT_ONCE = 10;
/** In characters. */
const LONGEST_MESSAGE = 300;

export function readRows(jobs: Queue, jobIds: readonly string[]): Promise<JobRow[]> {
  return fewAtATime(jobIds, AT_ONCE, async (jobId) => rowOf(jobId, await readStoredJob(jobs, jobId)));
}

export function rowOf(jobId: string, job: StoredJob | undefined): JobRow {
  // A job without a name is one of BullMQ's own keys.
  const isReadable = job?.name !== undefined;
  const { name = '', data = '', timestamp, processedOn, finishedOn, failedReason, returnvalue } = job ?? {};
  const { clientId, userId, instance } = data.length > MAX_JOB_BYTES ? {} : referenceOfText(data);
  return {
    jobId,
    operation: maskedName(name),
    isReadable,
    clientId,
    userId,
    instance,
    addedAt: timeIn(timestamp),
    dueAt: countIn(job?.attemptsStarted) > 0 ? undefined : timeIn((timestamp ?? NaN) + countIn(job?.delay)),
    startedAt: timeIn(processedOn),
    endedAt: timeIn(finishedOn),
    attempts: countIn(job?.attemptsMade),
    priority: countIn(job?.priority),
    outcome: finishedOn === undefined ? undefined : outcomeIn(returnvalue),
    ...(finishedOn !== undefined && failedReason !== undefined && failureOf(failedReason)),
  };
}

const NEWER: ReadonlyMap<unknown, string> = new Map([
  ['newer values', 'a newer change'],
  ['cancellation', 'a cancellation'],
  ['create', 'a sign-up'],
  ['deletion', 'a deletion'],
  ['move', 'a move'],
  ['rename', 'a change of the clientId'],
]);

/** @param result as it is stored: another client may have written anything. */
function outcomeIn(result = ''): string | undefined {
  const data = result.length > MAX_JOB_BYTES ? undefined : maskedResult(result);
  if (typeof data !== 'object' || data === null || !('jobId' in data)) return undefined;
  return 'by' in data ? `superseded by ${NEWER.get(data.by) ?? 'newer knowledge'}` : 'done';
}

function failureOf(reason: string): Required<Pick<JobRow, 'code' | 'message'>> {
  const { code = UNKNOWN, message = '' } = failureIn(reason) ?? {};
  const isLong = message.length > LONGEST_MESSAGE;
  return { code, message: isLong ? `${message.slice(0, LONGEST_MESSAGE)}…` : message };
}

/** Another client may have written anything. */
function timeIn(ms: number | undefined): number | undefined {
  return ms !== undefined && Number.isFinite(ms) && ms > 0 ? ms : undefined;
}

function countIn(count: number | undefined): number {
  return count !== undefined && Number.isFinite(count) ? count : 0;
}
