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

/** One delivery of a job, as the queue hands it over. */
export interface Delivery {
  id: string;
  name: string;
  /** The data as stored in the queue: unparsed JSON text. */
  text: string;
  /** The size of data that is too large to be handled: its text is empty. */
  tooLargeBytes?: number | undefined;
  /** When the job was added, in epoch milliseconds. */
  timestamp: number;
  /** When its flow was added, if it is a part of one: all parts are of one moment. In epoch milliseconds. */
  flowTimestamp?: number | undefined;
  /** Of a deletion: when it was asked for last, in epoch milliseconds. Default: its timestamp. */
  requestedAt?: number | undefined;
  /** Of a deletion that was scheduled or moved: when it was due, in epoch milliseconds. */
  dueAt?: number | undefined;
  /** The id of the job scheduler that has added it. */
  scheduler?: string | undefined;
  /** For how long it was deferred when it was added, in milliseconds. */
  delayMs: number;
  /** The attempt this is, from 1; runs that only waited do not count. */
  attempt: number;
  /** Of this run alone. */
  nonce: string;
  /** Whether the job was taken before. */
  hasRunBefore: boolean;
  /** How often the job has stalled so far. */
  stalls: number;
  /** The job depends on another one (its child in a BullMQ flow), which has failed or is retried. */
  isHeldByChild?: boolean;
  /** Whether the time that this run has the job for is not over. Once it is, another run may have completed it. */
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
}

export interface Pipeline {
  jobsQueue: string;
  /** Of its events. */
  source: string;
  /** The configured instances by name. */
  instances: ReadonlyMap<string, Instance>;
  /** Their names by Damoov's InstanceId, in lower case. */
  instanceNames: ReadonlyMap<string, string>;
  ports: Pick<OperationContext, 'client' | 'userIdMode' | 'lagMs' | 'now' | 'pause'>;
  userState: UserState;
  cipher: JobCipher;
  circuits: Circuits;
  /** Asked before each deletion whether it is still wanted. */
  deletions: DeletionGuard;
  failureDetector: FailureDetector;
  /** Other jobs than the one that runs. */
  jobQueue: Pick<JobQueue, 'erase'>;
  publish: Publish;
  /** Which key signs receipts, if any does. */
  receiptKeyId?: string | undefined;
  /** @throws if no receipt could be signed, whatever its place. */
  proveReceipt: (statement: Unchained) => void;
  retry: RetryPolicy;
  /** Why a port is down, if the error is transient or has to be fixed elsewhere: the job waits. */
  outageOf: (error: unknown) => string | undefined;
  onRun?: (report: RunReport) => void;
}

/** When it happened, as the order of the jobs of a user counts. */
export function versionOfDelivery(delivery: Delivery, occurredAt: string | undefined): Version {
  const { name, id, timestamp, flowTimestamp = timestamp, requestedAt = flowTimestamp } = delivery;
  return versionOf({ name, id, timestamp: requestedAt, occurredAt });
}

/** The run of this delivery, as userState and circuits know it. */
export function runOf({ id, nonce, timestamp, stalls, hasRunBefore, scheduler }: Delivery): Run {
  return { jobId: id, nonce, timestamp, stalls, hasRunBefore, scheduler };
}
