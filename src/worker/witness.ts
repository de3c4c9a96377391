/**
 * What this process has lately seen of Damoov, and what it makes of a fault: an outage or a refused credential concerns all
 * jobs and costs none of them an attempt; a fault that one job alone meets again and again is that job's own.
 */
import type { Gate, Outcome, Quarantine, Retry } from '../contract/outcome.ts';
import { isSettled } from '../contract/outcome.ts';
import { DamoovError, type DamoovErrorKind } from '../damoov/errors.ts';
import { type GateName, type Passage, gateName } from './gates.ts';
import { type RetryPolicy, retryDelayMs } from './retry-policy.ts';

/** So many faults in a row, with no answer in between, are an outage. At 30 % of faults by chance, one row in 170,000. */
const OUTAGE = 10;
/** Faults of so many jobs are remembered. */
const REMEMBERED = 10_000;

interface Fault {
  at: number;
  count: number;
}

export interface WitnessOptions {
  retry: RetryPolicy;
  /** A clock that only goes forward, in milliseconds. Default `performance.now`. */
  now?: () => number;
}

/** One for all runs of a process. */
export class Witness {
  readonly #retry: RetryPolicy;
  readonly #now: () => number;
  readonly #passedAt = new Map<GateName, number>();
  readonly #faults = new Map<string, Fault>();
  /** The jobs that have met an outage since Damoov last answered, in a row. */
  #row: string[] = [];

  constructor({ retry, now = () => performance.now() }: WitnessOptions) {
    this.#retry = retry;
    this.#now = now;
  }

  /** Follows one run from now on. */
  follow(jobId: string, instance: string, passage: Passage): RunWitness {
    const startedAt = this.#now();
    const passed = new Set<GateName>();
    return {
      passed: (gate) => {
        const name = gateName(gate, instance);
        passed.add(name);
        this.#passedAt.set(name, this.#now());
        if (gate === 'damoov') this.#row = [];
      },
      hasPassed: (name) => passed.has(name),
      weigh: (outcome, error) => {
        if (isSettled(outcome)) this.#faults.delete(jobId);
        if (outcome.status !== 'quarantine') return outcome;
        const name = gateName(outcome.gate, instance);
        return this.#weigh(outcome, error, {
          jobId,
          name,
          startedAt,
          isProbe: passage.probes.includes(name),
        });
      },
    };
  }

  #weigh(outcome: Quarantine, error: unknown, run: FaultyRun): Outcome {
    if (error instanceof DamoovError && OF_THE_ADMIN.has(error.kind)) return outcome;
    const { jobId, name, startedAt, isProbe } = run;
    const passedAt = this.#passedAt.get(name) ?? -Infinity;
    const earlier = this.#faults.get(jobId);
    const fault = { at: this.#now(), count: (earlier?.count ?? 0) + 1 };
    this.#remember(jobId, fault);
    // Others came through since this job failed before.
    if (earlier !== undefined && passedAt > earlier.at) return own(outcome);
    if (isProbe) return outcome;
    if (outcome.gate !== 'damoov') return passedAt > startedAt ? this.#later(outcome, fault) : outcome;
    // It was under way when the outage began, if it is one.
    if (passedAt > startedAt) return own(outcome);
    this.#row = [...this.#row.slice(1 - OUTAGE), jobId];
    const isAlone = this.#row.every((id) => id === jobId);
    // With no other job to compare with, an error that Damoov itself words is taken to be about this one.
    const isWorded = error instanceof DamoovError && error.status === 500;
    if (isAlone && isWorded && this.#row.length > 1) return own(outcome);
    return isAlone || this.#row.length < OUTAGE ? this.#later(outcome, fault) : outcome;
  }

  #remember(jobId: string, fault: Fault): void {
    this.#faults.delete(jobId);
    this.#faults.set(jobId, fault);
    const [oldest] = this.#faults.keys();
    if (this.#faults.size > REMEMBERED && oldest !== undefined) this.#faults.delete(oldest);
  }

  /** Nobody can tell yet: the job comes back soon, and no attempt is spent. */
  #later({ reason, afterMs }: Quarantine, { count }: Fault): Outcome {
    return { status: 'wait', reason, delayMs: retryDelayMs(this.#retry, count, afterMs) };
  }
}

/** What is seen of Damoov during one run. */
export interface RunWitness {
  /** Damoov has let a request of this run pass. */
  passed(gate: Gate): void;
  hasPassed(gate: GateName): boolean;
  /** The outcome as it is once the job's own faults are told from everybody's. */
  weigh(outcome: Outcome, error: unknown): Outcome;
}

interface FaultyRun {
  jobId: string;
  name: GateName;
  startedAt: number;
  isProbe: boolean;
}

/** These are never about a job. */
const OF_THE_ADMIN: ReadonlySet<DamoovErrorKind> = new Set(['no-admin', 'login-refused', 'login-barred']);

function own({ reason, afterMs }: Quarantine): Retry {
  return { status: 'retry', reason, ...(afterMs !== undefined && { afterMs }) };
}
