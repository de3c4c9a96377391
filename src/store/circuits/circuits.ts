/**
 * Keeps the gates of a fleet in Redis: one for each credential and one for Damoov itself, by a fingerprint of what would have
 * to change to mend it, so that a corrected credential finds an open gate. Knows the keys and how the scripts are called.
 */
import { randomUUID } from 'node:crypto';
import type { Queue } from 'bullmq';
import { z } from 'zod';
import { msOf } from '../../contract/version.ts';
import type { GateName, Gates } from '../../lifecycle/ports/circuits.ts';
import { type GateState, createGateReader, gateKeysOf } from './circuit-state.ts';
import type { JobQueue } from '../../lifecycle/ports/job-queue.ts';
import { jsonScriptsOf, luaBeside } from '../../redis/scripts.ts';

const readLua = luaBeside(import.meta.url);

/** When a shut gate is tried, in milliseconds: the wait before the first probe doubles up to the last. */
export interface ProbeIntervals {
  firstMs: number;
  lastMs: number;
}

export type GateChange =
  { gate: GateName; is: 'shut'; reason: string } | { gate: GateName; is: 'open'; shutForMs: number };

export interface GatesOptions {
  prefix: string;
  /** The queue of the jobs; its connection is the gates'. */
  jobs: Queue;
  jobQueue: Pick<JobQueue, 'promote'>;
  /** How long a job's lock holds, in milliseconds. */
  lockMs: number;
  /** Every gate of this worker, with a fingerprint of its credential, or of Damoov's address. */
  fingerprints: ReadonlyMap<GateName, string>;
  /** Of a refused credential, and of an outage. */
  probes: { credential: ProbeIntervals; outage: ProbeIntervals };
  /** Epoch milliseconds. Default: Redis' own clock. */
  now?: (() => number) | undefined;
  /** Told once in the whole fleet of each change: by the worker that met it. */
  onChange: (change: GateChange) => void;
}

export interface RedisGates extends Gates {
  /** What `begin` has to know of the gates with these names: two keys each. */
  keysOf(names: readonly GateName[]): string[];
  /** What `begin` has to know besides: how long a scout may take, and the clock. */
  readonly clock: () => { clockMs?: number; scoutMs: number; nudgeMs: number };
  /** Damoov has answered this process; others are told once a second. */
  passed(gate: GateName): void;
  /** Releases the jobs before open gates, and wakes a scout where one is due. */
  tend(): Promise<void>;
  stateOf: (gate: GateName) => Promise<GateState>;
}

/** About so many jobs are released in one step; Redis does nothing else meanwhile. */
const RELEASED_AT_ONCE = 500;
/** How long a job that was woken to try a gate may take to begin, before another is woken. */
const NUDGE_MS = 5000;

export function createGates(options: GatesOptions): RedisGates {
  const { prefix, jobs, jobQueue, lockMs, fingerprints, probes, now, onChange } = options;
  const withCircuit = (name: string) => readLua('../clock', 'circuit', name);
  const script = jsonScriptsOf(jobs, {
    refuse: withCircuit('refuse'),
    probed: withCircuit('probed'),
    tend: withCircuit('tend'),
  });
  const scoutMs = lockMs;
  const me = randomUUID();
  let saidPassedAt = -Infinity;
  const passedKeyOf = (gate: GateName) => `${prefix}:gate:${gate}:passed`;
  const tendedKeyOf = (gate: GateName) => `${prefix}:gate:${gate}:tended`;
  const clock = () => ({ ...(now !== undefined && { clockMs: now() }), scoutMs, nudgeMs: NUDGE_MS });
  const keys = gateKeysOf(prefix, fingerprints);
  const { keyOf, heldKeyOf } = keys;

  return {
    keysOf: (names) => names.flatMap((gate) => [keyOf(gate), heldKeyOf(gate)]),
    clock,
    async refuse(run, version, { gate, reason, afterMs = 0, isUntried }) {
      const { firstMs, lastMs } = intervalsOf(gate);
      // An outage is tried with one request, whatever it says of its length.
      const longestMs = gate === 'damoov' ? lastMs : LONGEST_MS;
      const asked = {
        ...clock(),
        jobId: run.jobId,
        run: run.nonce,
        score: String(msOf(version)),
        process: me,
        firstMs,
        lastMs,
        afterMs: Math.min(afterMs, longestMs),
        reason,
        isUntried: isUntried === true,
      };
      const reply = await script('refuse')([keyOf(gate), heldKeyOf(gate), passedKeyOf(gate)], asked);
      const [is, hasShut] = Refused.parse(reply);
      if (hasShut === 1) onChange({ gate, is: 'shut', reason });
      return is;
    },
    async probed({ jobId }, gate, hasPassed) {
      const shutForMs = await script('probed')([keyOf(gate)], { ...clock(), jobId, hasPassed });
      if (shutForMs === null) return;
      onChange({ gate, is: 'open', shutForMs: Number(shutForMs) });
      await tend(gate);
    },
    passed(gate) {
      const at = performance.now();
      if (gate !== 'damoov' || at - saidPassedAt < SAY_PASSED_MS) return;
      saidPassedAt = at;
      // Only a hint for others; without it a gate is shut more readily.
      const note = async () =>
        (await jobs.getBackend().client).set(passedKeyOf(gate), me, { PX: PASSED_LATELY_MS });
      note().catch(() => {});
    },
    async tend() {
      await Promise.all([...fingerprints.keys()].map((gate) => tend(gate)));
    },
    stateOf: createGateReader(jobs, keys),
  };

  async function tend(gate: GateName): Promise<void> {
    let promoted: string[] = [];
    for (let most = RELEASED_AT_ONCE; ;) {
      const asked = { ...clock(), most, process: me, promoted };
      const reply = Tended.parse(
        await script('tend')([keyOf(gate), heldKeyOf(gate), tendedKeyOf(gate)], asked),
      );
      if (reply[0] === 'idle') return;
      const jobIds = typeof reply[1] === 'string' ? [reply[1]] : inOrder(reply[1]);
      const ends = await Promise.all(jobIds.map((jobId) => jobQueue.promote(jobId)));
      // One that is not delayed yet stays, and so does a scout until it begins.
      promoted = jobIds.filter(
        (_, place) => ends[place] === 'gone' || (reply[0] === 'closed' && ends[place] === 'promoted'),
      );
      if (promoted.length === 0) return;
      if (reply[0] === 'closed' && reply[2] === 0) most = 0;
    }
  }

  function intervalsOf(gate: GateName): ProbeIntervals {
    if (gate === 'brake') return NEVER;
    return gate === 'damoov' ? probes.outage : probes.credential;
  }
}

/** What a person has to decide is not tried. In milliseconds. */
const NEVER: ProbeIntervals = { firstMs: 1e12, lastMs: 1e12 };

/** Longer than an hour is a fault of whoever asks. */
const LONGEST_MS = 3_600_000;

/** How often others are told that Damoov answers here, in milliseconds. */
const SAY_PASSED_MS = 1000;

/** While a process has got through within this time, no other one opens the circuit, in milliseconds. */
const PASSED_LATELY_MS = 2500;

/** Jobs with the score of each, which are in order but for those of equal scores: there the queue's own order counts. */
function inOrder(scored: readonly string[]): string[] {
  const jobs = scored.flatMap((jobId, at) =>
    at % 2 === 0 ? [{ jobId, score: Number(scored[at + 1]) }] : [],
  );
  const byId = (a: string, b: string) => a.length - b.length || (a < b ? -1 : 1);
  return jobs.sort((a, b) => a.score - b.score || byId(a.jobId, b.jobId)).map(({ jobId }) => jobId);
}

const Refused = z.tuple([z.enum(['held', 'open']), z.number()]);
const Tended = z.union([
  z.tuple([z.literal('idle')]),
  z.tuple([z.literal('probe'), z.string()]),
  z.tuple([z.literal('closed'), z.array(z.string()), z.number()]),
]);
