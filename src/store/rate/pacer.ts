/**
 * Sends the requests of one process at the fleet's rate: they queue for slots that the process reserves in Redis, several at a time.
 */
import type { Admission, Arrival, Departure, Traffic } from '../../damoov/traffic.ts';
import { type FleetRate, type FleetRateOptions, type Reading, createFleetRate } from './fleet-rate.ts';

export interface PacerOptions extends FleetRateOptions {
  /** Called when a 429 that this process received has lowered the fleet's rate. */
  readonly onLowered?: ((state: { ratePerS: number; pausedForMs: number }) => void) | undefined;
  /** Runs the callback after this time; the returned function cancels it. Default: a timer that keeps no process alive. */
  readonly later?: ((ms: number, then: () => void) => () => void) | undefined;
}

/** How long a request waits for a slot at most, in milliseconds; then its job goes back to the queue. */
const LONGEST_WAIT_MS = 5000;
/** Earliest retry of a request that got no slot in time, in milliseconds. */
const RETRY_MS = 1000;
/** Mean time between two calls of a process that waits for slots, in milliseconds. Slots are reserved 150 ms ahead. */
const ASK_MS = 100;
/** Delay of the next call if a process got all the slots it wanted, in milliseconds. */
const ASK_SOON_MS = 20;
/** How late a slot may be used, in milliseconds: several late slots would make a burst. */
const LATE_MS = 50;
/** How long an answer of Redis may take before its slots count as old, in milliseconds. */
const PROMPT_MS = 250;
/** How long an answer is used if nothing limits the fleet or Redis has failed, in milliseconds. */
const BELIEVE_MS = 1000;

/** Number of parallel requests while the limit is unknown; each accepted request adds a part of one. */
const FIRST_UNDER_WAY = 5;
const MORE_PER_PASS = 1 / 8;

interface Waiting {
  readonly until: number;
  readonly resolve: (admission: Admission) => void;
}

/** Paces by the rate under the prefix. Without a ceiling and a recent 429 it calls Redis at most once a second. */
export class Pacer implements Traffic {
  readonly #options: PacerOptions;
  readonly #later: NonNullable<PacerOptions['later']>;
  readonly #clock: () => number;
  readonly #fleet: FleetRate;
  readonly #line: Waiting[] = [];
  #slots: number[] = [];
  #unlimitedUntil = 0;
  #pausedUntil = 0;
  #underWay = 0;
  #mostUnderWay = FIRST_UNDER_WAY;
  #passed = 0;
  #passedAt: number | undefined;
  /** A 429 that Redis does not know yet: until then no request leaves. */
  #refusal: { sentAt: number; retryAt: number } | undefined;
  #askAt = 0;
  #isAsking = false;
  #cancelTimer = () => {};

  constructor(options: PacerOptions) {
    this.#options = options;
    this.#later = options.later ?? laterUnlessDone;
    this.#clock = options.now ?? (() => performance.now());
    this.#fleet = createFleetRate(options);
  }

  admit({ signal }: Departure): Promise<Admission> {
    return new Promise((resolve) => {
      if (signal.aborted) return resolve({ admitted: false, retryAfterMs: 0 });
      const waiting: Waiting = { until: this.#clock() + LONGEST_WAIT_MS, resolve };
      this.#line.push(waiting);
      signal.addEventListener('abort', () => {
        const place = this.#line.indexOf(waiting);
        if (place >= 0) this.#line.splice(place, 1);
        resolve({ admitted: false, retryAfterMs: 0 });
      });
      this.#step();
    });
  }

  answered({ operation, kind, status, retryAfterMs = 0, durationMs }: Arrival): void {
    const sentAt = this.#clock() - durationMs;
    this.#underWay -= 1;
    if (kind !== 'rate-limited' && status !== undefined) {
      this.#passed += 1;
      this.#passedAt = Math.max(sentAt, this.#passedAt ?? sentAt);
      this.#mostUnderWay += MORE_PER_PASS;
    }
    // Logins have their own limit and budget.
    if (kind === 'rate-limited' && operation !== 'login') this.#refused(sentAt, this.#clock() + retryAfterMs);
    if (this.#line.length > 0 || this.#refusal !== undefined) this.#step();
  }

  /** The fleet's limits; `ratePerS` is undefined without one. `pausedUntil` is in epoch milliseconds. */
  async state(): Promise<{ ratePerS?: number; pausedUntil?: number }> {
    const { ratePerS, pausedForMs } = await this.#fleet.look();
    return {
      ...(ratePerS !== undefined && { ratePerS }),
      ...(pausedForMs > 0 && { pausedUntil: (this.#options.now ?? Date.now)() + pausedForMs }),
    };
  }

  #refused(sentAt: number, retryAt: number): void {
    this.#mostUnderWay = FIRST_UNDER_WAY;
    const earlier = this.#refusal ?? { sentAt, retryAt };
    this.#refusal = {
      sentAt: Math.max(sentAt, earlier.sentAt),
      retryAt: Math.max(retryAt, earlier.retryAt),
    };
    this.#pausedUntil = Math.max(this.#pausedUntil, this.#refusal.retryAt);
    this.#askAt = 0;
  }

  /** Does all due work and schedules the next step. */
  #step(): void {
    this.#cancelTimer();
    this.#cancelTimer = () => {};
    this.#refuseOverdue();
    if (this.#refusal === undefined) this.#release();
    const mustAsk = this.#refusal !== undefined || this.#line.length > this.#slots.length;
    if (mustAsk && !this.#isAsking && this.#clock() >= this.#askAt) void this.#ask();
    const due = [
      this.#line[0]?.until,
      this.#line[0] && this.#slots[0],
      mustAsk && !this.#isAsking ? this.#askAt : undefined,
    ];
    const next = Math.min(...due.map((at) => at ?? Infinity));
    if (next < Infinity)
      this.#cancelTimer = this.#later(Math.max(1, Math.ceil(next - this.#clock())), () => this.#step());
  }

  #refuseOverdue(): void {
    const nowMs = this.#clock();
    while (this.#line[0] !== undefined && this.#line[0].until <= nowMs) {
      const retryAfterMs = Math.max(RETRY_MS, Math.ceil(this.#pausedUntil - nowMs));
      this.#line.shift()?.resolve({ admitted: false, retryAfterMs });
    }
  }

  #release(): void {
    const nowMs = this.#clock();
    this.#slots = this.#slots.filter((slot) => slot >= nowMs - LATE_MS);
    const isNext = () => {
      if (nowMs < this.#unlimitedUntil) return this.#underWay + 1 <= this.#mostUnderWay;
      return this.#slots[0] !== undefined && this.#slots[0] <= nowMs;
    };
    while (this.#line.length > 0 && isNext()) {
      this.#slots.shift();
      this.#underWay += 1;
      this.#line.shift()?.resolve({ admitted: true });
    }
  }

  async #ask(): Promise<void> {
    this.#isAsking = true;
    const calledAt = this.#clock();
    const [passed, refusal] = [this.#passed, this.#refusal];
    const count = Math.max(0, this.#line.length - this.#slots.length);
    try {
      const reading = await this.#fleet.take({
        count,
        passed,
        passedAgoMs: this.#passedAt && calledAt - this.#passedAt,
        refused: refusal && {
          sentAgoMs: calledAt - refusal.sentAt,
          retryAfterMs: Math.max(0, refusal.retryAt - calledAt),
        },
      });
      this.#passed -= passed;
      if (this.#refusal === refusal) this.#refusal = undefined;
      this.#learn(reading, calledAt);
      this.#askAt = this.#nextAsk(reading, calledAt, count);
    } catch {
      // Without an answer from Redis nothing is sent: no job could be settled either.
      this.#askAt = this.#clock() + BELIEVE_MS;
    } finally {
      this.#isAsking = false;
      this.#step();
    }
  }

  #learn({ ratePerS, isLowered, pausedForMs, ...reserved }: Reading, calledAt: number): void {
    if (isLowered && ratePerS !== undefined) this.#options.onLowered?.({ ratePerS, pausedForMs });
    this.#unlimitedUntil = ratePerS === undefined ? this.#clock() + BELIEVE_MS : 0;
    this.#pausedUntil = this.#clock() + pausedForMs;
    if (pausedForMs > 0) this.#slots = [];
    // Counts from the answer, so that nothing leaves early; a process that was frozen meanwhile cannot use old slots.
    const first = Math.min(this.#clock(), calledAt + PROMPT_MS) + reserved.firstInMs;
    for (let index = 0; index < reserved.count; index += 1)
      this.#slots.push(first + index * reserved.everyMs);
  }

  #nextAsk({ ratePerS, roomInMs, ...reserved }: Reading, calledAt: number, count: number): number {
    if (this.#refusal !== undefined) return 0;
    if (ratePerS === undefined) return this.#unlimitedUntil;
    if (reserved.count >= count) return calledAt + ASK_SOON_MS;
    // Jitter keeps a process from always calling just after another one took all slots.
    const waitMs = ASK_MS * (0.5 + Math.random());
    if (reserved.count > 0) return calledAt + waitMs;
    return calledAt + Math.min(roomInMs + waitMs, BELIEVE_MS);
  }
}

function laterUnlessDone(ms: number, then: () => void): () => void {
  const timer = setTimeout(then, ms);
  timer.unref();
  return () => clearTimeout(timer);
}
