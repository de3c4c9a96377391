/**
 * Rations the logins of a fleet in Redis, and keeps in each process what Redis may lose. The caller reports each login and its result.
 */
import { randomUUID } from 'node:crypto';
import type { LoginBudget } from '../../damoov/login-budget.ts';
import type { RedisConnection } from '../../redis/connection.ts';
import { type Change, changesIn } from '../../redis/change.ts';
import {
  ANSWER_WITHIN_MS,
  GRANT_MS,
  HOUR_MS,
  type LoginAnswer,
  type LoginKeys,
  type LoginStep,
  loginDecision,
} from './login-state.ts';

export interface LoginBudgetOptions {
  readonly connection: RedisConnection;
  /** All processes with this prefix share the budget, even with other credentials. */
  readonly prefix: string;
  /** In any rolling hour. Each process applies its own limit to the logins of all. */
  readonly loginsPerHour: number;
  /** Fingerprint of the credentials: refused ones leave a login to their replacement. */
  readonly fingerprint: string;
  /** Called with the number of sessions revoked within the hour, in the process that noticed the latest. */
  readonly onRevoked?: ((withinHour: number) => void) | undefined;
  /** The clock, in milliseconds since the epoch. Default: that of Redis, which is the same for all. */
  readonly now?: (() => number) | undefined;
}

export interface FleetLoginBudget extends Required<LoginBudget> {
  /** Returns the state, and writes this process's knowledge to Redis. */
  state(): Promise<LoginState>;
  /** Restores what Redis lost. Cheap while Redis has all of it: call it every second. */
  restore(): Promise<void>;
}

export interface LoginState {
  /** Logins left in this hour for these credentials. */
  left: number;
  /** Milliseconds since the epoch. */
  barredUntil?: number;
  /** Number of sessions of these credentials that others ended within the hour; absent if none. */
  revoked?: number;
}

const MINUTE_MS = 60_000;
/** Pauses after one login without a decision, two, and so on within an hour: an outage must not use up the budget. */
const FAILED_PAUSES_MS = [2000, 30_000, 5 * MINUTE_MS];
const LAST_PAUSE_MS = 15 * MINUTE_MS;
/** A bar that ends this much later than the known one is a new one. */
const LEARN_BAR_MS = 1_000;
/** Maximum time between two looks at the grants of other processes. */
const LOOK_MS = 30_000;
/** The pause after a late grant: Redis or this process has just recovered. */
const AGAIN_MS = 1_000;

/**
 * The budget of all processes with this prefix. It grants no login without an answer of Redis: if Redis is away, it waits or rejects, as
 * the connection does.
 */
export function createLoginBudget(options: LoginBudgetOptions): FleetLoginBudget {
  const { connection, onRevoked, now = Date.now } = options;
  const logins = new Logins(options);
  const failures = `${options.prefix}:logins:failed`;

  return {
    async take() {
      const name = randomUUID();
      const calledAt = performance.now();
      const { waitMs } = await logins.ask('take', name);
      if (waitMs > 0) return { granted: false, retryAfterMs: waitMs };
      if (performance.now() - calledAt > ANSWER_WITHIN_MS) {
        await logins.ask('give-back', name);
        return { granted: false, retryAfterMs: AGAIN_MS };
      }
      logins.granted.set(name, now());
      return { granted: true };
    },
    async bar(ms) {
      logins.barredUntil = Math.max(logins.barredUntil, now() + ms);
      await logins.ask('look');
    },
    async refused() {
      logins.refusedAt = now();
      await logins.ask('refused');
    },
    async revoked() {
      const { revoked } = await logins.ask('revoked', randomUUID());
      onRevoked?.(revoked);
    },
    async failed() {
      const counting = connection.multi().incr(failures);
      const replies = await counting.expire(failures, HOUR_MS / 1000).exec();
      await this.bar(FAILED_PAUSES_MS[Number(replies?.[0]?.[1]) - 1] ?? LAST_PAUSE_MS);
    },
    async giveBack() {
      const last = [...logins.granted.keys()].at(-1);
      if (last === undefined) return;
      logins.granted.delete(last);
      await logins.ask('give-back', last);
    },
    async state() {
      const { left, barredUntil: until, revoked } = await logins.ask('look');
      return { left, ...(until !== undefined && { barredUntil: until }), ...(revoked > 0 && { revoked }) };
    },
    restore: () => logins.restore(),
  };
}

/** The logins of the fleet known to this process. */
class Logins {
  /** By name: when this process was granted a login. */
  readonly granted = new Map<string, number>();
  /** The same for other processes, which may be gone when Redis loses it. */
  readonly #ofOthers = new Map<string, number>();
  barredUntil = 0;
  refusedAt = -Infinity;
  #lookedAt = -Infinity;
  readonly #options: LoginBudgetOptions;
  readonly #keys: LoginKeys;
  readonly #now: () => number;
  readonly #change: Change;

  constructor(options: LoginBudgetOptions) {
    const { connection, prefix, fingerprint, now = Date.now } = options;
    const grants = `${prefix}:logins`;
    this.#options = options;
    this.#keys = {
      grants,
      barred: `${grants}:barred`,
      refused: `${grants}:refused`,
      revoked: `${grants}:revoked:${fingerprint}`,
    };
    this.#now = now;
    this.#change = changesIn(connection);

    // A crash or fail-over may have lost the latest grants, and they must be restored before the next login. A cluster stays ready when
    // it loses a node, and an emptied Redis gives no sign. So every call sends all known logins.
    for (const event of ['ready', '-node'] as const) {
      connection.on(event, () => {
        const isKnown = this.granted.size + this.#ofOthers.size > 0 || this.barredUntil > now();
        if (isKnown) this.ask('look').catch(() => {});
      });
    }
  }

  /** An emptied Redis would grant the logins of this hour again. */
  async restore(): Promise<void> {
    const isRecent = performance.now() - this.#lookedAt < LOOK_MS;
    if (!isRecent || !(await this.#isComplete())) await this.ask('look');
  }

  /** Whether Redis has every grant that this process knows, and the bar. */
  async #isComplete(): Promise<boolean> {
    const { connection } = this.#options;
    const { grants, barred } = this.#keys;
    const known = [...this.granted.keys(), ...this.#ofOthers.keys()];
    const barMs = this.barredUntil - this.#now();
    const [times, leftMs] = await Promise.all([
      known.length > 0 ? connection.zmscore(grants, ...known) : [],
      barMs > 0 ? connection.pttl(barred) : Infinity,
    ]);
    return times.every((time) => time !== null) && leftMs > barMs - LEARN_BAR_MS;
  }

  async ask(act: LoginStep['act'], name = ''): Promise<LoginAnswer & { barredUntil?: number }> {
    const { fingerprint, loginsPerHour, now } = this.#options;
    const localNow = this.#now();
    const answer = await this.#change((seen) =>
      loginDecision(seen, this.#keys, {
        act,
        name,
        fingerprint,
        perHour: loginsPerHour,
        known: {
          grantAges: this.#grantAges(localNow),
          barredForMs: Math.max(0, this.barredUntil - localNow),
          refusedAgoMs: localNow - this.refusedAt,
        },
        clockMs: now && localNow,
      }),
    );
    this.#learn(answer, localNow);
    this.#lookedAt = performance.now();
    return { ...answer, ...(answer.barredForMs > 0 && { barredUntil: localNow + answer.barredForMs }) };
  }

  #grantAges(localNow: number): Map<string, number> {
    for (const known of [this.granted, this.#ofOthers]) {
      for (const [grant, at] of known) if (at <= localNow - GRANT_MS) known.delete(grant);
    }
    return new Map(
      [...this.granted, ...this.#ofOthers].map(([grant, at]) => [grant, Math.max(0, localNow - at)]),
    );
  }

  /** Adds the grants and the bar that only Redis knew. */
  #learn({ grantAges, barredForMs }: LoginAnswer, calledAt: number): void {
    // A younger grant may still be given back.
    for (const [name, agoMs] of grantAges)
      if (!this.granted.has(name) && agoMs > MINUTE_MS) this.#ofOthers.set(name, calledAt - agoMs);
    // The answer takes time: a repeated report must not extend the bar each time.
    if (calledAt + barredForMs > this.barredUntil + LEARN_BAR_MS) this.barredUntil = calledAt + barredForMs;
  }
}
