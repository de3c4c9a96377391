/**
 * The number of logins that are still allowed. Damoov's documentation gives the limit as 5 per minute, per hour and per day in three
 * places, and exceeding it bars the IP for an hour.
 */

type LoginGrant = { readonly granted: true } | { readonly granted: false; readonly retryAfterMs: number };

/** The logins from one IP. A fleet shares one budget. */
export interface LoginBudget {
  /** Called before each login, which must be sent within 5 s; a grant is spent, whatever happens to it. */
  take(): Promise<LoginGrant>;
  /** After a 429, or for a moment after a failed login: grants no login for this time. */
  bar(ms: number): Promise<void>;
  /**
   * A login got no decision: an outage may have swallowed it, and would swallow the next. Optional: without it no login is granted for
   * two seconds.
   */
  failed?(): Promise<void>;
  /** Returns the last grant: its request was never sent. Optional: without it the grant stays spent. */
  giveBack?(): Promise<void>;
  /** The login was refused: these credentials do not work. Optional: a budget may keep a login for their replacement. */
  refused?(): Promise<void>;
  /**
   * A session ended early, and no process that shares it ended it: another login with this account does that (documented). Optional: a
   * budget may count it.
   */
  revoked?(): Promise<void>;
}

export interface InMemoryLoginBudgetOptions {
  /** In any rolling hour. Default 4, one below the strictest documented limit per hour. */
  readonly loginsPerHour?: number | undefined;
  readonly now?: (() => number) | undefined;
}

/** This many revoked sessions within an hour mean that others log in with the account: a single one may be a changed password. */
export const MANY_REVOKED = 2;

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
/** One below the documented 5 per minute, even with a larger hourly budget. */
const loginsPerMinute = 4;

/** A budget for one process, in memory: a process that restarts in a loop needs a persistent one. */
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

/** The same budget, limited to this many logins for one client. */
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
