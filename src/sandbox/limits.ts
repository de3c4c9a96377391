/**
 * The two limits of a caller: the bar on logins and the general rate limit. They count and refuse; the caller writes the refusal.
 */
import type { SandboxModes } from './modes.ts';

/**
 * Damoov's bar on logins: too many attempts bar all logins for a while (documented).
 * Assumption: admin and user logins, right or wrong, count alike, and attempts during the bar do not prolong it. The real bar is per IP;
 * a sandbox has one caller.
 */
export class LoginBar {
  #attempts: number[] = [];
  #barredUntil = 0;

  /** Counts an attempt; false = refused. */
  admit(now: number, limit: SandboxModes['loginLimit']): boolean {
    if (limit === null) return true;
    if (now < this.#barredUntil) return false;
    this.#attempts = this.#attempts.filter((at) => at > now - limit.windowMs);
    if (this.#attempts.length >= limit.max) {
      this.#attempts = [];
      this.#barredUntil = now + limit.barMs;
      return false;
    }
    this.#attempts.push(now);
    return true;
  }

  /** Until when logins are barred, in epoch milliseconds; null: they are not. */
  barredUntil(now: number): number | null {
    return now < this.#barredUntil ? this.#barredUntil : null;
  }

  clear(): void {
    this.#attempts = [];
    this.#barredUntil = 0;
  }
}

/** A window that opens with its first request: `max` requests pass, later ones wait for the next window. */
export class RateWindow {
  #endsAt = 0;
  #count = 0;

  /** Counts a request; false = refused. */
  admit(now: number, limit: SandboxModes['rateLimit']): boolean {
    if (limit === null) return true;
    if (now >= this.#endsAt) {
      this.#endsAt = now + limit.windowMs;
      this.#count = 0;
    }
    this.#count += 1;
    return this.#count <= limit.max;
  }

  clear(): void {
    this.#endsAt = 0;
    this.#count = 0;
  }
}
