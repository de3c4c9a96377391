/**
 * Keeps the gates of a fleet in Redis: one for each credential and one for Damoov itself, by a fingerprint of what would have
 * to change to mend it, so that a corrected credential finds an open gate. Knows the keys and how the scripts are called.
 */
import { randomUUID } from 'node:crypto';
import type { Queue } from 'bullmq';
import { z } from 'zod';
import { msOf } from '../../contract/version.ts';
import type { GateName, Gates } from '../../worker/gates.ts';
import { type GateState, createGateReader, gateKeysOf } from './gate-state.ts';
import { QUEUE_FUNCTIONS } from '../queue-functions.ts';
import { luaBeside, scriptsOf } from '../scripts.ts';

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
  readonly beginArgs: () => (string | number)[];
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
  const { prefix, jobs, lockMs, fingerprints, probes, now, onChange } = options;
  const script = scriptsOf(jobs, {
    refuse: [QUEUE_FUNCTIONS.moveToDelayed, readLua('../parked'), readLua('gate'), readLua('refuse')].join(
      '\n',
    ),
    probed: [readLua('gate'), readLua('probed')].join('\n'),
    tend: [QUEUE_FUNCTIONS.promote, readLua('../parked'), readLua('gate'), readLua('tend')].join('\n'),
    passed: [readLua('gate'), readLua('passed')].join('\n'),
  });
  const scoutMs = lockMs;
  const me = randomUUID();
  const saidPassedAt = new Map<GateName, number>();
  const passedKeyOf = (gate: GateName) => `${prefix}:gate:${gate}:passed`;
  const clock = () => (now === undefined ? '' : now());
  const keys = gateKeysOf(prefix, fingerprints);
  const { keyOf, heldKeyOf } = keys;
  const jobsBase = jobs.toKey('');

  return {
    keysOf: (names) => names.flatMap((gate) => [keyOf(gate), heldKeyOf(gate)]),
    beginArgs: () => [scoutMs, clock(), NUDGE_MS],
    async refuse(run, version, { gate, reason, afterMs = 0, isUntried }) {
      const { firstMs, lastMs } = intervalsOf(gate);
      // An outage is tried with one request, whatever it says of its length.
      const longestMs = gate === 'damoov' ? lastMs : LONGEST_MS;
      const reply = await script('refuse')(
        [keyOf(gate), heldKeyOf(gate), passedKeyOf(gate)],
        [
          run.jobId,
          msOf(version),
          clock(),
          firstMs,
          lastMs,
          Math.min(afterMs, longestMs),
          reason,
          scoutMs,
          jobsBase,
          run.token,
          Date.now(),
          isUntried === true ? 1 : 0,
          me,
          run.nonce,
        ],
      );
      const [is, hasShut] = Refused.parse(reply);
      if (hasShut === 1) onChange({ gate, is: 'shut', reason });
      return is;
    },
    async probed({ jobId }, gate, hasPassed) {
      const since = await script('probed')([keyOf(gate)], [jobId, hasPassed ? 1 : 0]);
      if (since === null) return;
      onChange({ gate, is: 'open', shutForMs: (now?.() ?? Date.now()) - Number(since) });
      await tend(gate);
    },
    passed(gate) {
      const at = performance.now();
      if (gate !== 'damoov' || at - (saidPassedAt.get(gate) ?? -Infinity) < SAY_PASSED_MS) return;
      saidPassedAt.set(gate, at);
      // Only a hint for others; without it a gate is shut more readily.
      script('passed')([passedKeyOf(gate)], [me, clock()]).catch(() => {});
    },
    async tend() {
      await Promise.all([...fingerprints.keys()].map((gate) => tend(gate)));
    },
    stateOf: createGateReader(jobs, keys),
  };

  async function tend(gate: GateName): Promise<void> {
    // As many or more: those of one moment are released together.
    for (let more: unknown = 1; more === 1;) {
      more = await script('tend')(
        [keyOf(gate), heldKeyOf(gate)],
        [jobsBase, clock(), RELEASED_AT_ONCE, NUDGE_MS],
      );
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

const Refused = z.tuple([z.enum(['held', 'lost', 'open']), z.number()]);
