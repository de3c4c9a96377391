/**
 * Keeps the circuits of a fleet in Redis: one for each credential and one for Damoov itself. The fingerprint of the credential, or of the
 * address, is part of the name: a corrected credential has another circuit, which is closed.
 */
import { randomUUID } from 'node:crypto';
import type { Queue } from 'bullmq';
import { type Version, msOf } from '../../contract/version.ts';
import type { CircuitName, Circuits, Passage, Refusal } from '../../lifecycle/ports/circuits.ts';
import type { Run } from '../../lifecycle/ports/user-state.ts';
import { type Timing, forgetHeld, nextToPromote, passage, probeEnd, refusal } from './circuit-decisions.ts';
import { type ScoredJob, afterPromotion, scoredIn } from './release-held.ts';
import { type CircuitAt, type CircuitState, circuitsAt, createCircuitReader } from './circuit-state.ts';
import type { JobQueue } from '../../lifecycle/ports/job-queue.ts';
import { type Change, type Seen, changesIn } from '../../redis/change.ts';

/** When an open circuit is probed, in milliseconds: the delay starts at the first and doubles up to the last. */
export interface ProbeIntervals {
  firstMs: number;
  lastMs: number;
}

export type CircuitChange =
  | { circuit: CircuitName; is: 'open'; reason: string }
  | { circuit: CircuitName; is: 'closed'; openForMs: number };

export interface CircuitsOptions {
  prefix: string;
  /** The jobs queue; the circuits use its connection. */
  jobs: Queue;
  jobQueue: Pick<JobQueue, 'promote'>;
  /** Duration of a job's lock, in milliseconds. */
  lockMs: number;
  /** Every circuit of this worker, with a fingerprint of its credential or of Damoov's address. */
  fingerprints: ReadonlyMap<CircuitName, string>;
  /** For a refused credential, and for an outage. */
  probes: { credential: ProbeIntervals; outage: ProbeIntervals };
  /** Epoch milliseconds. Default: Redis' own clock. */
  now?: (() => number) | undefined;
  /** Called once in the fleet for each change, in the worker that caused it. */
  onChange: (change: CircuitChange) => void;
}

/** Approximate number of jobs released in one step, during which Redis is blocked. */
const RELEASED_AT_ONCE = 500;
/** How often a worker looks for what another one was cut off from promoting: in so many rounds once. */
const LEFT_ROUNDS = 10;
/** How long a job woken as a probe may take to start before another is woken. */
const NUDGE_MS = 5000;

export class RedisCircuits implements Circuits {
  readonly stateOf: (circuit: CircuitName) => Promise<CircuitState>;
  readonly #options: CircuitsOptions;
  readonly #at: (circuit: CircuitName) => CircuitAt;
  readonly #change: Change;
  readonly #process = randomUUID();
  #reportedPassAt = -Infinity;
  #rounds = 0;

  constructor(options: CircuitsOptions) {
    const { prefix, jobs, fingerprints } = options;
    this.#options = options;
    this.#at = circuitsAt(prefix, fingerprints);
    this.#change = changesIn(jobs);
    this.stateOf = createCircuitReader(jobs, this.#at);
  }

  /** For `begin`, which asks for the passage of a job only if one of these keys exists. */
  keysOf(names: readonly CircuitName[]): string[] {
    return names.map((circuit) => this.#at(circuit).key);
  }

  /** How the job passes its circuits. If one holds it, the job is registered there: the queue must delay it. */
  async passageOf(
    { jobId }: Run,
    version: Version,
    { must, may }: { must: readonly CircuitName[]; may: readonly CircuitName[] },
  ): Promise<Passage & { heldBy?: CircuitName }> {
    const circuits = { must: must.map(this.#at), may: may.map(this.#at) };
    const job = { jobId, score: msOf(version) };
    const timing = this.#timing();
    const { others, ...plan } = await this.#change((seen) => passage(seen, circuits, job, timing(seen)));
    await Promise.all(others.map((other) => this.#options.jobQueue.promote(other)));
    return plan;
  }

  async refuse(run: Run, version: Version, refused: Refusal): Promise<'held' | 'closed'> {
    const { circuit, reason, afterMs = 0, isUntried = false } = refused;
    const { firstMs, lastMs } = this.#intervalsOf(circuit);
    // During an outage one request probes often enough, so a longer Retry-After is ignored.
    const longestMs = circuit === 'damoov' ? lastMs : LONGEST_MS;
    const job = {
      jobId: run.jobId,
      run: run.nonce,
      score: msOf(version),
      process: this.#process,
      firstMs,
      lastMs,
      afterMs: Math.min(Math.ceil(afterMs), longestMs),
      reason,
      isUntried,
    };
    const timing = this.#timing();
    const { is, hasOpened } = await this.#change((seen) =>
      refusal(seen, this.#at(circuit), job, timing(seen)),
    );
    if (hasOpened) this.#options.onChange({ circuit, is: 'open', reason });
    return is;
  }

  async probed({ jobId }: Run, circuit: CircuitName, hasPassed: boolean): Promise<void> {
    const timing = this.#timing();
    const openForMs = await this.#change((seen) =>
      probeEnd(seen, this.#at(circuit), { jobId, hasPassed }, timing(seen).now),
    );
    if (openForMs === undefined) return;
    this.#options.onChange({ circuit, is: 'closed', openForMs });
    await this.#wakeHeld(circuit);
  }

  /** Damoov answered this process; the fleet is notified once a second. */
  passed(circuit: CircuitName): void {
    const at = performance.now();
    if (circuit !== 'damoov' || at - this.#reportedPassAt < REPORT_PASS_MS) return;
    this.#reportedPassAt = at;
    const { jobs } = this.#options;
    // A hint for the other processes; without it a circuit opens more readily.
    const note = async () =>
      (await jobs.getBackend().client).set(this.#at(circuit).passedKey, this.#process, {
        PX: PASSED_LATELY_MS,
      });
    note().catch(() => {});
  }

  /** Releases the jobs of closed circuits, and starts due half-open probes. */
  async wakeHeld(): Promise<void> {
    const looksForLeft = this.#rounds % LEFT_ROUNDS === 0;
    this.#rounds += 1;
    const wakeIfHeld = async (circuit: CircuitName) => {
      if (await this.#holdsJobs(circuit, looksForLeft)) await this.#wakeHeld(circuit);
    };
    await Promise.all([...this.#options.fingerprints.keys()].map(wakeIfHeld));
  }

  /**
   * Every worker asks once a second, nearly always in vain: one command is cheaper than a script. What a promoter that was cut off has
   * left can wait a few rounds.
   */
  async #holdsJobs(circuit: CircuitName, looksForLeft: boolean): Promise<boolean> {
    const client = await this.#options.jobs.getBackend().client;
    const { heldKey, promotingKey } = this.#at(circuit);
    if ((await client.zcard(heldKey)) > 0) return true;
    return looksForLeft && (await client.zcard(promotingKey)) > 0;
  }

  async #wakeHeld(circuit: CircuitName): Promise<void> {
    const at = this.#at(circuit);
    const timing = this.#timing();
    for (let promoted: string[] = []; ;) {
      const asked = { most: RELEASED_AT_ONCE, process: this.#process, promoted };
      const next = await this.#change((seen) => nextToPromote(seen, at, asked, timing(seen)));
      if (next.is === 'idle') return;
      if (next.is === 'probe') {
        // A half-open probe stays listed until it starts.
        if ((await this.#options.jobQueue.promote(next.jobId)) !== 'gone') return;
        await this.#change(() => forgetHeld(at, next.jobId));
        promoted = [next.jobId];
      } else {
        if (!(await this.#promoteAll(at, inOrder(next.jobs), next.mayGoOn))) return;
        promoted = [];
      }
    }
  }

  /** Whether to go on with the next ones. */
  async #promoteAll(at: CircuitAt, jobs: readonly ScoredJob[], mayGoOn: boolean): Promise<boolean> {
    const { jobQueue } = this.#options;
    const ends = await Promise.all(jobs.map(({ jobId }) => jobQueue.promote(jobId)));
    const early = jobs.filter((_, place) => ends[place] === 'elsewhere');
    const goesOn = mayGoOn && early.length < jobs.length;
    const end = { jobs, early, process: this.#process, goesOn };
    await this.#change((seen) => afterPromotion(seen, at, end));
    return goesOn;
  }

  #timing(): (seen: Seen) => Timing {
    const { now, lockMs } = this.#options;
    const random = Math.random();
    return (seen) => ({ now: now?.() ?? seen.now, probeJobMs: lockMs, nudgeMs: NUDGE_MS, random });
  }

  #intervalsOf(circuit: CircuitName): ProbeIntervals {
    const { probes } = this.#options;
    if (circuit === 'deletion-limit') return NEVER;
    return circuit === 'damoov' ? probes.outage : probes.credential;
  }
}

/** A circuit that waits for approval is never probed. In milliseconds. */
const NEVER: ProbeIntervals = { firstMs: 1e12, lastMs: 1e12 };

/** A Retry-After above an hour is a server mistake. */
const LONGEST_MS = 3_600_000;

/** Interval for notifying the fleet that Damoov answers here, in milliseconds. */
const REPORT_PASS_MS = 1000;

/** After a success in any process no other process opens the circuit for this time, in milliseconds. */
const PASSED_LATELY_MS = 2500;

/** Jobs and their scores in order; among equal scores the queue's own order counts: Redis lists them in the order of bytes. */
function inOrder(scored: readonly string[]): ScoredJob[] {
  return scoredIn(scored).sort((a, b) => a.score - b.score || a.jobId.length - b.jobId.length);
}
