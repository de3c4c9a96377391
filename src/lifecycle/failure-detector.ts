/**
 * Attributes each fault from recent answers of Damoov: an outage or a refused credential concerns all jobs and costs no attempt; a fault
 * that only one job meets repeatedly is charged to that job.
 */
import type { Circuit, Outcome, Held, Retry } from '../contract/outcome.ts';
import { DamoovError, type DamoovErrorKind, type DamoovOperation } from '../damoov/errors.ts';
import { type CircuitName, type Passage, circuitName } from './ports/circuits.ts';
import { type RetryPolicy, retryDelayMs } from './retry-policy.ts';

/** Number of consecutive faults without an answer that count as an outage: if 30 % of requests fail at random, one series in 170,000. */
const OUTAGE = 10;
/** Number of consecutive refusals charged to a credential that was accepted lately; otherwise one is enough. */
const REVOKED = 5;
/** In milliseconds. */
const LATELY_MS = 60_000;
/** The longest wait of a job that may have met an outage, in milliseconds. */
const LONGEST_MS = 60_000;
/** Number of jobs whose faults are remembered. */
const REMEMBERED = 10_000;

interface Fault {
  at: number;
  count: number;
}

export interface FailureDetectorOptions {
  retry: RetryPolicy;
  /** A clock that only goes forward, in milliseconds. Default `performance.now`. */
  now?: () => number;
  /** Called each time Damoov has answered a job. */
  onPassed?: (circuit: CircuitName) => void;
}

/** Observes Damoov during one run. */
export interface RunObserver {
  /** A request of this run succeeded. */
  passed(circuit: Circuit, operation: DamoovOperation): void;
  hasPassed(circuit: CircuitName): boolean;
  /** Returns the outcome after attributing the fault to the job or to an outage. Call it once, at the end of the run. */
  attribute(outcome: Outcome, error: unknown): Outcome;
}

/** One for all runs of a process. */
export class FailureDetector {
  readonly #options: Required<FailureDetectorOptions>;
  /** For each kind of request through a circuit: when the latest successful one was sent, and when it was answered. */
  readonly #passes = new Map<CircuitName, { at: number; sentAt: Map<DamoovOperation, number> }>();
  readonly #faults = new Map<string, Fault>();
  /** The consecutive jobs refused at a circuit since its last success. */
  readonly #rows = new Map<CircuitName, string[]>();

  constructor(options: FailureDetectorOptions) {
    this.#options = { now: () => performance.now(), onPassed: () => {}, ...options };
  }

  /** Whether this process gets no answers from Damoov. */
  get isCutOff(): boolean {
    return (this.#rows.get('damoov')?.length ?? 0) >= OUTAGE;
  }

  /** Observes one run from now on. */
  follow(jobId: string, instance: string, passage: Passage): RunObserver {
    const startedAt = this.#options.now();
    const passed = new Map<CircuitName, Set<DamoovOperation>>();
    return {
      passed: (circuit, operation) => {
        const name = circuitName(circuit, instance);
        passed.set(name, (passed.get(name) ?? new Set()).add(operation));
      },
      hasPassed: (name) => passed.has(name),
      attribute: (outcome, error) => {
        const refused = outcome.status === 'held' ? circuitName(outcome.circuit, instance) : undefined;
        // An earlier success in this run does not prove that the fault is the job's own.
        for (const [name, operations] of passed) {
          if (name !== refused) this.#pass(name, operations, startedAt);
        }
        if (outcome.status !== 'held' || refused === undefined) {
          if (outcome.status !== 'retry' && outcome.status !== 'wait') this.#faults.delete(jobId);
          return outcome;
        }
        // An approval says nothing about Damoov.
        const isCertain = outcome.circuit === 'deletion-limit' || passage.probes.includes(refused);
        return isCertain ? outcome : this.#attribute(outcome, error, { jobId, name: refused, startedAt });
      },
    };
  }

  #pass(name: CircuitName, operations: ReadonlySet<DamoovOperation>, startedAt: number): void {
    const pass = this.#passes.get(name) ?? { at: 0, sentAt: new Map<DamoovOperation, number>() };
    pass.at = this.#options.now();
    for (const operation of operations) {
      pass.sentAt.set(operation, Math.max(startedAt, pass.sentAt.get(operation) ?? -Infinity));
    }
    this.#passes.set(name, pass);
    this.#rows.delete(name);
    this.#options.onPassed(name);
  }

  #attribute(outcome: Held, error: unknown, { jobId, name, startedAt }: FaultyRun): Outcome {
    if (error instanceof DamoovError && OF_NO_JOB.has(error.kind)) return outcome;
    const now = this.#options.now();
    const pass = this.#passes.get(name);
    const sentAt = error instanceof DamoovError ? pass?.sentAt.get(error.operation) : undefined;
    const earlier = this.#faults.get(jobId);
    const fault = { at: now, count: (earlier?.count ?? 0) + 1 };
    this.#remember(jobId, fault);
    // Since this job's last failure, other requests of this kind succeeded.
    if (earlier !== undefined && sentAt !== undefined && sentAt > earlier.at) return own(outcome);
    const row = [...(this.#rows.get(name) ?? []).slice(1 - OUTAGE), jobId];
    const isAlone = row.every((id) => id === jobId);
    if (name === 'damoov') {
      // A later request of this kind succeeded, so this failure is stale: charge it to the job.
      if (sentAt !== undefined && sentAt > startedAt) return own(outcome);
      this.#rows.set(name, row);
      // With no other job to compare, an error worded by Damoov is charged to this job.
      const isWorded = error instanceof DamoovError && error.status === 500;
      if (isAlone && isWorded && row.length > 1) return own(outcome);
      return isAlone || row.length < OUTAGE ? this.#later(outcome, fault) : outcome;
    }
    this.#rows.set(name, row);
    const isLate = pass !== undefined && now - pass.at < LATELY_MS;
    return isLate && (isAlone || row.length < REVOKED) ? this.#later(outcome, fault) : outcome;
  }

  #remember(jobId: string, fault: Fault): void {
    this.#faults.delete(jobId);
    this.#faults.set(jobId, fault);
    const [oldest] = this.#faults.keys();
    if (this.#faults.size > REMEMBERED && oldest !== undefined) this.#faults.delete(oldest);
  }

  /** Undecided: the job runs again soon, at no cost of an attempt. */
  #later({ reason, afterMs }: Held, { count }: Fault): Outcome {
    const delayMs = Math.min(LONGEST_MS, retryDelayMs(this.#options.retry, count, afterMs));
    return { status: 'wait', reason, delayMs };
  }
}

interface FaultyRun {
  jobId: string;
  name: CircuitName;
  startedAt: number;
}

/** Errors that are never the fault of one job. */
const OF_NO_JOB: ReadonlySet<DamoovErrorKind> = new Set([
  'no-admin',
  'login-refused',
  'login-barred',
  'wrong-base-url',
]);

function own({ reason, afterMs }: Held): Retry {
  return { status: 'retry', reason, ...(afterMs !== undefined && { afterMs }) };
}
