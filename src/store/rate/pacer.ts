/**
 * Lets the requests of one process leave at the fleet's rate: they wait in line for slots that the process reserves in Redis, some at
 * a time.
 */
import type { Admission, Arrival, Departure, Traffic } from '../../damoov/traffic.ts';
import { type FleetRateOptions, type Reading, createFleetRate } from './fleet-rate.ts';

export interface PacerOptions extends FleetRateOptions {
  /** Called when a 429 that this process received has lowered the fleet's rate. */
  readonly onLowered?: ((state: { ratePerS: number; pausedForMs: number }) => void) | undefined;
  /** Calls back after so many milliseconds; the result cancels that. Default: a timer that keeps no process alive. */
  readonly later?: ((ms: number, then: () => void) => () => void) | undefined;
}

export interface Pacer extends Traffic {
  /** What the fleet may do: undefined where nothing limits it. `pausedUntil` is in epoch milliseconds. */
  state(): Promise<{ ratePerS?: number; pausedUntil?: number }>;
}

/** How long a request waits for a slot at most, in milliseconds; then its job goes back to the queue. */
const LONGEST_WAIT_MS = 5000;
/** When a request that got no slot in time may try again at the earliest, in milliseconds. */
const RETRY_MS = 1000;
/** Mean time between two calls of a process that waits for slots, in milliseconds. Slots are reserved 150 ms ahead. */
const ASK_MS = 100;
/** A process that got all the slots it wanted may ask again after this, in milliseconds. */
const ASK_SOON_MS = 20;
/** A slot may be used this much later, in milliseconds: older ones together would make a burst. */
const LATE_MS = 50;
/** An answer of Redis may take this long before its slots count as older than they look, in milliseconds. */
const PROMPT_MS = 250;
/** How long an answer counts where nothing limits the fleet or Redis has failed, in milliseconds. */
const BELIEVE_MS = 1000;

/** So many requests may be under way while the limit is unknown; each that Damoov accepts allows a part of one more. */
const FIRST_UNDER_WAY = 5;
const MORE_PER_PASS = 1 / 8;

interface Waiting {
  readonly until: number;
  readonly resolve: (admission: Admission) => void;
}

/** Paces by the rate under the prefix. Without a ceiling and a recent 429 it asks Redis once a second at most. */
export function createPacer(options: PacerOptions): Pacer {
  const { now, onLowered, later = laterUnlessDone } = options;
  const clock = now ?? (() => performance.now());
  const fleet = createFleetRate(options);
  const line: Waiting[] = [];
  let slots: number[] = [];
  let unlimitedUntil = 0;
  let pausedUntil = 0;
  let underWay = 0;
  let mostUnderWay = FIRST_UNDER_WAY;
  let passed = 0;
  let passedAt: number | undefined;
  /** A 429 that Redis does not know of yet: until then nothing leaves. */
  let refusal: { sentAt: number; retryAt: number } | undefined;
  let askAt = 0;
  let isAsking = false;
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
    answered({ operation, kind, status, retryAfterMs = 0, durationMs }: Arrival) {
      const sentAt = clock() - durationMs;
      underWay -= 1;
      if (kind !== 'rate-limited' && status !== undefined) {
        passed += 1;
        passedAt = Math.max(sentAt, passedAt ?? sentAt);
        mostUnderWay += MORE_PER_PASS;
      }
      // A login has a limit of its own, and a budget that heeds it.
      if (kind === 'rate-limited' && operation !== 'login') {
        mostUnderWay = FIRST_UNDER_WAY;
        const earlier = refusal ?? { sentAt, retryAt: 0 };
        refusal = {
          sentAt: Math.max(sentAt, earlier.sentAt),
          retryAt: Math.max(clock() + retryAfterMs, earlier.retryAt),
        };
        pausedUntil = Math.max(pausedUntil, refusal.retryAt);
        askAt = 0;
      }
      if (line.length > 0 || refusal !== undefined) step();
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
    if (refusal === undefined) release();
    const mustAsk = refusal !== undefined || line.length > slots.length;
    if (mustAsk && !isAsking && clock() >= askAt) void ask();
    const due = [line[0]?.until, line[0] && slots[0], mustAsk && !isAsking ? askAt : undefined];
    const next = Math.min(...due.map((at) => at ?? Infinity));
    if (next < Infinity) cancelTimer = later(Math.max(1, Math.ceil(next - clock())), step);
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
    slots = slots.filter((slot) => slot >= nowMs - LATE_MS);
    const isNext = () =>
      nowMs < unlimitedUntil ? underWay + 1 <= mostUnderWay : slots[0] !== undefined && slots[0] <= nowMs;
    while (line.length > 0 && isNext()) {
      slots.shift();
      underWay += 1;
      line.shift()?.resolve({ admitted: true });
    }
  }

  async function ask(): Promise<void> {
    isAsking = true;
    const askedAt = clock();
    const reported = { passed, refusal };
    const count = Math.max(0, line.length - slots.length);
    try {
      const reading = await fleet.take({
        count,
        passed,
        passedAgoMs: passedAt && askedAt - passedAt,
        refused: refusal && {
          sentAgoMs: askedAt - refusal.sentAt,
          retryAfterMs: Math.max(0, refusal.retryAt - askedAt),
        },
      });
      passed -= reported.passed;
      if (refusal === reported.refusal) refusal = undefined;
      learn(reading, askedAt);
      askAt = nextAsk(reading, askedAt, count);
    } catch {
      // Nothing is sent that Redis has not allowed; no job could be settled without it either.
      askAt = clock() + BELIEVE_MS;
    } finally {
      isAsking = false;
      step();
    }
  }

  function learn({ ratePerS, isLowered, pausedForMs, ...reserved }: Reading, askedAt: number): void {
    if (isLowered && ratePerS !== undefined) onLowered?.({ ratePerS, pausedForMs });
    unlimitedUntil = ratePerS === undefined ? clock() + BELIEVE_MS : 0;
    pausedUntil = clock() + pausedForMs;
    if (pausedForMs > 0) slots = [];
    // From when the answer came, so that nothing leaves early; a process that was held up meanwhile has no use for old slots.
    const first = Math.min(clock(), askedAt + PROMPT_MS) + reserved.firstInMs;
    for (let index = 0; index < reserved.count; index += 1) slots.push(first + index * reserved.everyMs);
  }

  function nextAsk({ ratePerS, roomInMs, ...reserved }: Reading, askedAt: number, count: number): number {
    if (refusal !== undefined) return 0;
    if (ratePerS === undefined) return unlimitedUntil;
    if (reserved.count >= count) return askedAt + ASK_SOON_MS;
    // At random, so that no process always comes just behind another one, which has taken all slots.
    const waitMs = ASK_MS * (0.5 + Math.random());
    if (reserved.count > 0) return askedAt + waitMs;
    return askedAt + Math.min(roomInMs + waitMs, BELIEVE_MS);
  }
}

function laterUnlessDone(ms: number, then: () => void): () => void {
  const timer = setTimeout(then, ms);
  timer.unref();
  return () => clearTimeout(timer);
}
