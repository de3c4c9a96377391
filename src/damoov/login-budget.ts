/**
 * How many logins are still allowed. Damoov's limit is given as 5 per minute, per hour and per day in three places of its
 * documentation, and passing it bars the IP for an hour.
 */

type LoginGrant = { readonly granted: true } | { readonly granted: false; readonly retryAfterMs: number };

/** The logins behind one IP. A fleet shares one budget. */
export interface LoginBudget {
  /** Asked before each login is sent, which follows within 5 s; what was granted is spent, whatever becomes of it. */
  take(): Promise<LoginGrant>;
  /** After a 429, or for a moment after a login that failed: grants no login for so long. */
  bar(ms: number): Promise<void>;
  /**
   * A login got no decision: an outage may have swallowed it, and would swallow the next. Optional: without it no login is granted for
   * two seconds.
   */
  failed?(): Promise<void>;
  /** Gives the last grant back: its request never left. Optional: without it the grant stays spent. */
  giveBack?(): Promise<void>;
  /** The login was refused: these credentials do not work. Optional: a budget may keep a login for those that replace them. */
  refused?(): Promise<void>;
  /**
   * A session was ended before its time, and not by a process that shares it: a login of others with this account does that
   * (documented). Optional: a budget may count it.
   */
  revoked?(): Promise<void>;
}

export interface InMemoryLoginBudgetOptions {
  /** In any rolling hour. Default 4, one below the strictest documented limit per hour. */
  readonly loginsPerHour?: number | undefined;
  readonly now?: (() => number) | undefined;
}

/** So many revoked sessions within an hour mean that others log in with the account: one may be a changed password. */
export const MANY_REVOKED = 2;

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
/** One below the documented 5 per minute, however large the budget of an hour is. */
const loginsPerMinute = 4;

/** A budget for one process that forgets with it: a process that restarts in a loop needs one that lasts. */
export function inMemoryLoginBudget(options: InMemoryLoginBudgetOptions = {}): LoginBudget {
  const { loginsPerHour = 4, now = Date.now } = options;
  let grantedAt: number[] = [];
  let barredUntil = 0;

  return {
    async take() {
      const nowMs = now();
      if (loginsPerHour < 1) return { granted: false, retryAfterMs: hourMs };
      grantedAt = grantedAt.filter((at) => at > nowMs - hourMs);
      const freeAt = Math.max(
        barredUntil,
        freeFrom(grantedAt, loginsPerHour, hourMs),
        freeFrom(grantedAt, loginsPerMinute, minuteMs),
      );
      if (freeAt > nowMs) return { granted: false, retryAfterMs: freeAt - nowMs };
      grantedAt.push(nowMs);
      return { granted: true };
    },
    async bar(ms) {
      barredUntil = Math.max(barredUntil, now() + ms);
    },
    async giveBack() {
      grantedAt.pop();
    },
  };
}

/** The same budget, of which one client takes no more than so many logins. */
export function atMost(logins: number, budget: LoginBudget): LoginBudget {
  let left = logins;
  return {
    ...budget,
    async take() {
      if (left < 1) return { granted: false, retryAfterMs: hourMs };
      const grant = await budget.take();
      if (grant.granted) left -= 1;
      return grant;
    },
    async giveBack() {
      left += 1;
      await budget.giveBack?.();
    },
  };
}

/** When the window has room again: once the grant that fills it, counted from the latest, has left it. */
function freeFrom(grantedAt: readonly number[], limit: number, windowMs: number): number {
  const filling = grantedAt.at(-limit);
  return filling === undefined ? 0 : filling + windowMs;
}
