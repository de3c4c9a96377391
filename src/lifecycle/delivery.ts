/**
 * The input of the pipeline: a job as the queue delivers it, and the ports.
 */
import { type Version, versionOf } from '../contract/version.ts';
import type { Instance, OperationContext } from '../operations/context.ts';
import type { DeletionGuard } from './ports/deletion-guard.ts';
import type { Circuits } from './ports/circuits.ts';
import type { RetryPolicy } from './retry-policy.ts';
import type { JobCipher } from './encryption.ts';
import type { JobQueue, Publish } from './ports/job-queue.ts';
import type { Run, Unchained, UserState } from './ports/user-state.ts';
import type { Decision } from './decision.ts';
import type { FailureDetector } from './failure-detector.ts';

/** One delivery of a job from the queue. */
export interface Delivery {
  id: string;
  name: string;
  /** The data as stored in the queue: unparsed JSON text. */
  text: string;
  /** The size of data that is too large to handle; `text` is empty then. */
  tooLargeBytes?: number | undefined;
  /** When the job was added, in epoch milliseconds. */
  timestamp: number;
  /** When its flow was added, if it is part of one, in epoch milliseconds. All parts have the same time. */
  flowTimestamp?: number | undefined;
  /** Of a deletion: time of its latest request, in epoch milliseconds. Default: its timestamp. */
  requestedAt?: number | undefined;
  /** Of a scheduled or rescheduled deletion: its due time, in epoch milliseconds. */
  dueAt?: number | undefined;
  /** The id of the job scheduler that added it. */
  scheduler?: string | undefined;
  /** The delay with which it was added, in milliseconds. */
  delayMs: number;
  /** Number of this attempt, from 1; runs that only waited do not count. */
  attempt: number;
  /** Unique for each run. */
  nonce: string;
  /** Whether the job was taken before. */
  hasRunBefore: boolean;
  /** How often the job has stalled so far. */
  stalls: number;
  /** The job depends on another one (its child in a BullMQ flow) that has failed or is being retried. */
  isHeldByChild?: boolean;
  /** Whether the job's lock is still valid. After that, another run may have completed the job. */
  isFresh: () => boolean;
  /** Replaces the job's data in the queue. */
  keep: (data: unknown) => Promise<void>;
  signal: AbortSignal;
}

/** The report of each run for logs and metrics; without personal data. */
export interface RunReport {
  jobId: string;
  operation: string;
  instance: string;
  attempt: number;
  decision: Decision;
  durationMs: number;
  /** From when the job was due to the end of this run, in milliseconds; 0 if the run came first. */
  sinceDueMs: number;
}

export interface Pipeline {
  jobsQueue: string;
  /** The `source` of its events. */
  source: string;
  /** The configured instances by name. */
  instances: ReadonlyMap<string, Instance>;
  /** Their names by Damoov's InstanceId, in lower case. */
  instanceNames: ReadonlyMap<string, string>;
  ports: Pick<OperationContext, 'client' | 'userIdMode' | 'lagMs' | 'now' | 'pause'>;
  userState: UserState;
  cipher: JobCipher;
  circuits: Circuits;
  /** Checks before each deletion whether it is still wanted. */
  deletions: DeletionGuard;
  failureDetector: FailureDetector;
  /** Access to jobs other than the running one. */
  jobQueue: Pick<JobQueue, 'erase'>;
  publish: Publish;
  /** Id of the key that signs receipts; undefined without one. */
  receiptKeyId?: string | undefined;
  /** @throws if a receipt with this statement could not be signed. */
  proveReceipt: (statement: Unchained) => void;
  retry: RetryPolicy;
  /** Returns why a port is down, if the error is transient or must be fixed elsewhere: the job waits. */
  outageOf: (error: unknown) => string | undefined;
  onRun?: (report: RunReport) => void;
}

/** The version that orders the jobs of a user. */
export function versionOfDelivery(delivery: Delivery, occurredAt: string | undefined): Version {
  const { name, id, timestamp, flowTimestamp = timestamp, requestedAt = flowTimestamp } = delivery;
  return versionOf({ name, id, timestamp: requestedAt, occurredAt });
}

/** The run of this delivery, in the form that userState and circuits use. */
export function runOf({ id, nonce, timestamp, stalls, hasRunBefore, scheduler }: Delivery): Run {
  return { jobId: id, nonce, timestamp, stalls, hasRunBefore, scheduler };
}
