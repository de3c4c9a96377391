/**
 * What this process has lately seen of Damoov, and what it makes of a fault: an outage or a refused credential concerns all
 * jobs and costs none of them an attempt; a fault that one job alone meets again and again is that job's own.
 */
import type { Circuit, Outcome, Held, Retry } from '../contract/outcome.ts';
import { DamoovError, type DamoovErrorKind, type DamoovOperation } from '../damoov/errors.ts';
import { type CircuitName, type Passage, circuitName } from './ports/circuits.ts';
import { type RetryPolicy, retryDelayMs } from './retry-policy.ts';

/** So many faults in a row, with no answer in between, are an outage. At 30 % of faults by chance, one row in 170,000. */
const OUTAGE = 10;
/** So many refusals in a row are the credential's, where it was accepted lately; else one is enough. */
const REVOKED = 5;
/** In milliseconds. */
const LATELY_MS = 60_000;
/** The longest wait of a job that may have met an outage, in milliseconds. */
const LONGEST_MS = 60_000;
/** Faults of so many jobs are remembered. */
const REMEMBERED = 10_000;

interface Fault {
  at: number;
  count: number;
}

export interface FailureDetectorOptions {
  retry: RetryPolicy;
  /** A clock that only goes forward, in milliseconds. Default `performance.now`. */
  now?: () => number;
  /** Told each time Damoov has answered a job. */
  onPassed?: (circuit: CircuitName) => void;
}

/** What is seen of Damoov during one run. */
export interface RunObserver {
  /** Damoov has let a request of this run pass. */
  passed(circuit: Circuit, operation: DamoovOperation): void;
  hasPassed(circuit: CircuitName): boolean;
  /** The outcome as it is once the job's own faults are told from everybody's. To be called once, at the end of the run. */
  attribute(outcome: Outcome, error: unknown): Outcome;
}

/** One for all runs of a process. */
export class FailureDetector {
  readonly #options: Required<FailureDetectorOptions>;
  /** When the youngest request of each kind was sent that came through a circuit, and when the last one came. */
  readonly #passes = new Map<CircuitName, { at: number; sentAt: Map<DamoovOperation, number> }>();
  readonly #faults = new Map<string, Fault>();
  /** The jobs that met an open circuit since anybody passed it, in a row. */
  readonly #rows = new Map<CircuitName, string[]>();

  constructor(options: FailureDetectorOptions) {
    this.#options = { now: () => performance.now(), onPassed: () => {}, ...options };
  }

  /** Whether nothing comes back from Damoov, as far as this process can tell. */
  get isCutOff(): boolean {
    return (this.#rows.get('damoov')?.length ?? 0) >= OUTAGE;
  }

  /** Follows one run from now on. */
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
        // That this very run came part of the way is no proof that the fault is its own.
        for (const [name, operations] of passed) {
          if (name !== refused) this.#pass(name, operations, startedAt);
        }
        if (outcome.status !== 'held' || refused === undefined) {
          if (outcome.status !== 'retry' && outcome.status !== 'wait') this.#faults.delete(jobId);
          return outcome;
        }
        // Of what a person has to decide nothing can be seen.
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
    // Others have asked the same since this job failed before, and came through.
    if (earlier !== undefined && sentAt !== undefined && sentAt > earlier.at) return own(outcome);
    const row = [...(this.#rows.get(name) ?? []).slice(1 - OUTAGE), jobId];
    const isAlone = row.every((id) => id === jobId);
    if (name === 'damoov') {
      // Somebody who asked the same later has come through: if it is an outage, this run was under way when it began.
      if (sentAt !== undefined && sentAt > startedAt) return own(outcome);
      this.#rows.set(name, row);
      // With no other job to compare with, an error that Damoov itself words is taken to be about this one.
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

  /** Nobody can tell yet: the job comes back soon, and no attempt is spent. */
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

/** These are never about a job. */
const OF_NO_JOB: ReadonlySet<DamoovErrorKind> = new Set([
  'no-admin',
  'login-refused',
  'login-barred',
  'wrong-base-url',
]);

function own({ reason, afterMs }: Held): Retry {
  return { status: 'retry', reason, ...(afterMs !== undefined && { afterMs }) };
}
