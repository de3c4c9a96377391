/**
 * Keeps the circuits of a fleet in Redis: one for each credential and one for Damoov itself. The fingerprint of the credential, or of the
 * address, is part of the name: a corrected credential has another circuit, which is closed.
 */
import { randomUUID } from 'node:crypto';
import type { Queue } from 'bullmq';
import { z } from 'zod';
import { type Version, msOf } from '../../contract/version.ts';
import type { CircuitName, Circuits, Refusal } from '../../lifecycle/ports/circuits.ts';
import type { Run } from '../../lifecycle/ports/user-state.ts';
import { type CircuitKeys, type CircuitState, createCircuitReader, circuitKeysOf } from './circuit-state.ts';
import type { JobQueue } from '../../lifecycle/ports/job-queue.ts';
import { jsonScriptsOf, luaBeside } from '../../redis/scripts.ts';

const readLua = luaBeside(import.meta.url);

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
/** How long a job woken as a probe may take to start before another is woken. */
const NUDGE_MS = 5000;

export class RedisCircuits implements Circuits {
  readonly stateOf: (circuit: CircuitName) => Promise<CircuitState>;
  readonly #options: CircuitsOptions;
  readonly #keys: CircuitKeys;
  readonly #script;
  readonly #process = randomUUID();
  #reportedPassAt = -Infinity;

  constructor(options: CircuitsOptions) {
    const { prefix, jobs, fingerprints } = options;
    const withCircuit = (name: string) => readLua('../clock', 'circuit', name);
    this.#options = options;
    this.#keys = circuitKeysOf(prefix, fingerprints);
    this.#script = jsonScriptsOf(jobs, {
      refuse: withCircuit('refuse'),
      probed: withCircuit('probed'),
      'wake-held': withCircuit('wake-held'),
    });
    this.stateOf = createCircuitReader(jobs, this.#keys);
  }

  /** The keys of these circuits for `begin`: two each. */
  keysOf(names: readonly CircuitName[]): string[] {
    return names.flatMap((circuit) => this.#keysOf(circuit));
  }

  /** Further arguments of `begin`: how long a half-open probe may take, and the clock. */
  clock(): { clockMs?: number; probeJobMs: number; nudgeMs: number } {
    const { now, lockMs } = this.#options;
    return { ...(now !== undefined && { clockMs: now() }), probeJobMs: lockMs, nudgeMs: NUDGE_MS };
  }

  async refuse(run: Run, version: Version, refusal: Refusal): Promise<'held' | 'closed'> {
    const { circuit, reason, afterMs = 0, isUntried = false } = refusal;
    const { firstMs, lastMs } = this.#intervalsOf(circuit);
    // During an outage one request probes often enough, so a longer Retry-After is ignored.
    const longestMs = circuit === 'damoov' ? lastMs : LONGEST_MS;
    const argument = {
      ...this.clock(),
      jobId: run.jobId,
      run: run.nonce,
      score: String(msOf(version)),
      process: this.#process,
      firstMs,
      lastMs,
      afterMs: Math.min(afterMs, longestMs),
      reason,
      isUntried,
    };
    const keys = [...this.#keysOf(circuit), this.#passedKeyOf(circuit)];
    const [is, hasOpened] = Refused.parse(await this.#script('refuse')(keys, argument));
    if (hasOpened === 1) this.#options.onChange({ circuit, is: 'open', reason });
    return is;
  }

  async probed({ jobId }: Run, circuit: CircuitName, hasPassed: boolean): Promise<void> {
    const argument = { ...this.clock(), jobId, hasPassed };
    const openForMs = await this.#script('probed')([this.#keys.keyOf(circuit)], argument);
    if (openForMs === null) return;
    this.#options.onChange({ circuit, is: 'closed', openForMs: Number(openForMs) });
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
      (await jobs.getBackend().client).set(this.#passedKeyOf(circuit), this.#process, {
        PX: PASSED_LATELY_MS,
      });
    note().catch(() => {});
  }

  /** Releases the jobs of closed circuits, and starts due half-open probes. */
  async wakeHeld(): Promise<void> {
    const wakeIfHeld = async (circuit: CircuitName) => {
      if (await this.#holdsJobs(circuit)) await this.#wakeHeld(circuit);
    };
    await Promise.all([...this.#options.fingerprints.keys()].map(wakeIfHeld));
  }

  /** Every worker asks once a second, nearly always in vain: one command is cheaper than a script. */
  async #holdsJobs(circuit: CircuitName): Promise<boolean> {
    const client = await this.#options.jobs.getBackend().client;
    return (await client.zcard(this.#keys.heldKeyOf(circuit))) > 0;
  }

  async #wakeHeld(circuit: CircuitName): Promise<void> {
    const { prefix, jobQueue } = this.#options;
    const keys = [...this.#keysOf(circuit), `${prefix}:circuit:${circuit}:promoter`];
    let promoted: string[] = [];
    for (let most = RELEASED_AT_ONCE; ;) {
      const argument = { ...this.clock(), most, process: this.#process, promoted };
      const reply = WakeReply.parse(await this.#script('wake-held')(keys, argument));
      if (reply[0] === 'idle') return;
      const jobIds = typeof reply[1] === 'string' ? [reply[1]] : inOrder(reply[1]);
      const ends = await Promise.all(jobIds.map((jobId) => jobQueue.promote(jobId)));
      // A job that is not delayed yet stays listed, and so does a half-open probe until it starts.
      promoted = jobIds.filter(
        (_, place) => ends[place] === 'gone' || (reply[0] === 'closed' && ends[place] === 'promoted'),
      );
      if (promoted.length === 0) return;
      if (reply[0] === 'closed' && reply[2] === 0) most = 0;
    }
  }

  #keysOf(circuit: CircuitName): string[] {
    return [this.#keys.keyOf(circuit), this.#keys.heldKeyOf(circuit)];
  }

  #passedKeyOf(circuit: CircuitName): string {
    return `${this.#options.prefix}:circuit:${circuit}:passed`;
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

/** Jobs and their scores in order; among equal scores the queue's own order counts. */
function inOrder(scored: readonly string[]): string[] {
  const jobs = scored.flatMap((jobId, at) =>
    at % 2 === 0 ? [{ jobId, score: Number(scored[at + 1]) }] : [],
  );
  const byId = (a: string, b: string) => a.length - b.length || (a < b ? -1 : 1);
  return jobs.sort((a, b) => a.score - b.score || byId(a.jobId, b.jobId)).map(({ jobId }) => jobId);
}

const Refused = z.tuple([z.enum(['held', 'closed']), z.number()]);
const WakeReply = z.union([
  z.tuple([z.literal('idle')]),
  z.tuple([z.literal('probe'), z.string()]),
  z.tuple([z.literal('closed'), z.array(z.string()), z.number()]),
]);
