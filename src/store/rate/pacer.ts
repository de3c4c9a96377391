/**
 * Lets a process' requests leave at the fleet's rate: the line in which they wait, and the slots this process has reserved for
 * them. Knows when to ask Redis; how the rate comes about is the script's business.
 */
import type { Admission, Arrival, Departure, Traffic } from '../../damoov/traffic.ts';
import { type FleetRateOptions, type Reading, HORIZON_MS, createFleetRate } from './fleet-rate.ts';
import { createOwnTraffic } from './own-traffic.ts';

export interface PacerOptions extends FleetRateOptions {
  /** Told when an answer of 429 that came here has lowered the fleet's rate. */
  readonly onLowered?: ((state: { ratePerS: number; pausedForMs: number }) => void) | undefined;
  /** Calls back after so many milliseconds, and answers how to call that off. Default: a timer that keeps no process alive. */
  readonly later?: ((ms: number, then: () => void) => () => void) | undefined;
}

export interface Pacer extends Traffic {
  /** What the fleet may do: undefined where nothing limits it. `pausedUntil` is in epoch milliseconds. */
  state(): Promise<{ ratePerS?: number; pausedUntil?: number }>;
}

/** How long a request waits for a slot at the most, in milliseconds; then its job goes back to the queue. */
const LONGEST_WAIT_MS = 5000;
/** When a request that got no slot in time may try again at the earliest, in milliseconds. */
const RETRY_MS = 1000;
/** A process that waits for slots asks this often, in milliseconds: well within the horizon of the reservations. */
const ASK_MS = 100;
/** One that got all it asked for may ask again after this, in milliseconds. */
const ASK_SOON_MS = 20;
/** A slot may be used this much later, in milliseconds: what was held up longer would make a burst. */
const LATE_MS = 50;
/** An answer of Redis may take this long before the slots in it count as older than they look, in milliseconds. */
const PROMPT_MS = 250;
/** How long a reading is believed where nothing limits the fleet, or Redis has refused to answer, in milliseconds. */
const BELIEVE_MS = 1000;
/** How long a process stays away after a 429 that it could not tell Redis of, in milliseconds. */
const PAUSE_MS = 500;

interface Waiting {
  readonly until: number;
  readonly resolve: (admission: Admission) => void;
}

/** Paces by the rate that lies under the prefix. Without a ceiling and a recent 429 it asks Redis once a second at the most. */
export function createPacer(options: PacerOptions): Pacer {
  const { now, onLowered, later = laterUnlessDone } = options;
  const clock = now ?? (() => performance.now());
  const fleet = createFleetRate(options);
  const own = createOwnTraffic(clock);
  const line: Waiting[] = [];
  let slots: number[] = [];
  let limit: 'unknown' | 'none' | 'ceiling' | 'learnt' = 'unknown';
  let pausedUntil = 0;
  let askAt = 0;
  let isAsking = false;
  let reports = 0;
  let cancelTimer = () => {};

  return {
    admit: ({ signal }: Departure) =>
      new Promise((resolve) => {
        if (signal.aborted) return resolve({ admitted: false, retryAfterMs: 0 });
        const waiting: Waiting = { until: clock() + LONGEST_WAIT_MS, resolve };
        line.push(waiting);
        signal.addEventListener('abort', () => {
          const place = line.indexOf(waiting);
          if (place >= 0) line.splice(place, 1);
          resolve({ admitted: false, retryAfterMs: 0 });
        });
        step();
      }),
    answered({ operation, kind, status, retryAfterMs, durationMs }: Arrival) {
      const sentAt = clock() - durationMs;
      const isRefusal = kind === 'rate-limited';
      own.ended(isRefusal || status === undefined ? undefined : sentAt);
      // A log-in has a limit of its own, and a budget that heeds it.
      if (isRefusal && operation !== 'login') void report(sentAt, retryAfterMs);
      step();
    },
    async state() {
      const { ratePerS, pausedForMs } = await fleet.look();
      return {
        ...(ratePerS !== undefined && { ratePerS }),
        ...(pausedForMs > 0 && { pausedUntil: (now ?? Date.now)() + pausedForMs }),
      };
    },
  };

  /** Does all that is due, and comes back when something will be. */
  function step(): void {
    cancelTimer();
    cancelTimer = () => {};
    refuseOverdue();
    if (reports === 0) release();
    const [head] = line;
    if (head === undefined) return;
    const needsMore = !isAsking && reports === 0 && wanted() > 0;
    if (needsMore && clock() >= askAt) void ask();
    const next = [head.until];
    if (needsMore) next.push(askAt);
    if (slots[0] !== undefined && reports === 0) next.push(slots[0]);
    cancelTimer = later(Math.max(1, Math.ceil(Math.min(...next) - clock())), step);
  }

  function refuseOverdue(): void {
    const nowMs = clock();
    while (line[0] !== undefined && line[0].until <= nowMs) {
      const retryAfterMs = Math.max(RETRY_MS, Math.ceil(pausedUntil - nowMs));
      line.shift()?.resolve({ admitted: false, retryAfterMs });
    }
  }

  function release(): void {
    const nowMs = clock();
    if (limit === 'none') {
      if (nowMs >= askAt) return;
      while (line.length > 0 && own.room() > 0) letGo();
      return;
    }
    slots = slots.filter((slot) => slot >= pausedUntil && slot >= nowMs - LATE_MS);
    while (line.length > 0 && slots[0] !== undefined && slots[0] <= nowMs) {
      slots.shift();
      letGo();
    }
  }

  function letGo(): void {
    own.left();
    line.shift()?.resolve({ admitted: true });
  }

  /** How many slots to ask for; where nothing limits the fleet, whether to look again. */
  function wanted(): number {
    const room = limit === 'learnt' ? line.length : Math.min(line.length, own.room());
    return room - slots.length;
  }

  async function ask(): Promise<void> {
    isAsking = true;
    const count = wanted();
    const askedAt = clock();
    try {
      const reading = await fleet.reserve(count, own.takePassedAgoMs());
      learn(reading, askedAt);
      askAt = nextAsk(reading, askedAt, count);
    } catch {
      // Nothing is sent that Redis has not allowed; no job could be settled without it either.
      askAt = clock() + BELIEVE_MS;
      if (limit === 'none') limit = 'unknown';
    } finally {
      isAsking = false;
      step();
    }
  }

  function nextAsk({ slots, nextFreeInMs }: Reading, askedAt: number, count: number): number {
    if (limit === 'none') return clock() + BELIEVE_MS;
    if (slots.count >= count) return askedAt + ASK_SOON_MS;
    if (slots.count > 0) return askedAt + ASK_MS;
    return askedAt + Math.min(Math.max(nextFreeInMs - HORIZON_MS, ASK_MS), BELIEVE_MS);
  }

  async function report(sentAt: number, retryAfterMs: number | undefined): Promise<void> {
    reports += 1;
    const nowMs = clock();
    pausedUntil = Math.max(pausedUntil, nowMs + (retryAfterMs ?? PAUSE_MS));
    try {
      const refusal = { sentAgoMs: nowMs - sentAt, retryAfterMs, seenPerS: own.seenPerS() };
      const reading = await fleet.refused(refusal, own.takePassedAgoMs());
      learn(reading, nowMs);
      const { isLowered, ratePerS, pausedForMs } = reading;
      if (isLowered && ratePerS !== undefined) onLowered?.({ ratePerS, pausedForMs });
    } catch {
      // This process at least stays away for as long as it was told.
    } finally {
      reports -= 1;
      step();
    }
  }

  function learn({ ratePerS, isLearnt, pausedForMs, slots: reserved }: Reading, askedAt: number): void {
    // From when the answer came, so that nothing leaves early; a process that was held up meanwhile has no use for old slots.
    const nowMs = Math.min(clock(), askedAt + PROMPT_MS);
    if (limit === 'learnt' && !isLearnt) own.forget();
    if (limit === 'none' && ratePerS !== undefined) askAt = 0;
    limit = isLearnt ? 'learnt' : ratePerS === undefined ? 'none' : 'ceiling';
    pausedUntil = pausedForMs > 0 ? clock() + pausedForMs : 0;
    if (limit === 'none') slots = [];
    const { firstInMs, everyMs, count } = reserved;
    for (let index = 0; index < count; index += 1) slots.push(nowMs + firstInMs + index * everyMs);
  }
}

function laterUnlessDone(ms: number, then: () => void): () => void {
  const timer = setTimeout(then, ms);
  timer.unref();
  return () => clearTimeout(timer);
}
