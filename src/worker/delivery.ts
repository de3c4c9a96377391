/**
 * What goes into the pipeline: a job as the queue delivers it, and the ports behind which everything else lies.
 */
import { type Version, versionOf } from '../contract/version.ts';
import type { Instance, OperationContext } from '../operations/context.ts';
import type { Completion } from './completion.ts';
import type { DeletionGuard } from './deletion-guard.ts';
import type { Gates } from './gates.ts';
import type { Receipts } from './receipt.ts';
import type { RetryPolicy } from './retry-policy.ts';
import type { Seal } from './seal.ts';
import type { Run, UserLedger } from './user-ledger.ts';
import type { Verdict } from './verdict.ts';
import type { Witness } from './witness.ts';

/** One delivery of a job, as the queue hands it over. */
export interface Delivery {
  id: string;
  name: string;
  /** The data as it lies in the queue: JSON text that nobody has looked at. */
  text: string;
  /** The size of data that is too large to be handled: its text is empty. */
  tooLargeBytes?: number | undefined;
  /** When the job was added, in epoch milliseconds. */
  timestamp: number;
  /** When its flow was added, if it is a part of one: all parts are of one moment. In epoch milliseconds. */
  flowTimestamp?: number | undefined;
  /** For how long it was deferred when it was added, in milliseconds. */
  delayMs: number;
  /** The attempt this is, from 1; runs that only waited do not count. */
  attempt: number;
  /** Of this run alone. */
  nonce: string;
  /** How often the job has stalled so far. */
  stalls: number;
  /** The job depends on another one (its child in a BullMQ flow), which has failed or is put back. */
  isHeldByChild?: boolean;
  /** Of the lock that makes the job ours. */
  token: string;
  /** Whether a request that is sent now ends, one way or the other, while the lock holds. */
  maySend: () => boolean;
  /** Has the job complete in the step that settles it; without it the queue is told afterwards. */
  completion?: Completion | undefined;
  signal: AbortSignal;
}

/** What is told of each run, for logs and metrics; without personal data. */
export interface RunReport {
  jobId: string;
  operation: string;
  instance: string;
  attempt: number;
  verdict: Verdict;
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
  ledger: UserLedger;
  seal: Seal;
  gates: Gates;
  /** Asked before each deletion whether it is still wanted. */
  deletions: DeletionGuard;
  witness: Witness;
  receipts: Receipts;
  retry: RetryPolicy;
  /** Whether what a port has thrown passes, or is mended elsewhere: it is waited for. */
  isOutage: (error: unknown) => boolean;
  onRun?: (report: RunReport) => void;
}

/** When it happened, as the order of the jobs of a user counts. */
export function versionOfDelivery(delivery: Delivery, occurredAt: string | undefined): Version {
  const { name, id, timestamp, flowTimestamp = timestamp } = delivery;
  return versionOf({ name, id, timestamp: flowTimestamp, occurredAt });
}

/** The run of this delivery, as ledger and gates know it. */
export function runOf({ id, token, nonce, timestamp, stalls }: Delivery): Run {
  return { jobId: id, token, nonce, timestamp, stalls };
}
