/**
 * The options of the client of Damoov, and their checks.
 */
import { z } from 'zod';
import { Text, callback, objectWith, wholeNumber } from './checked-options.ts';
import type { LoginBudget } from './login-budget.ts';
import type { SessionStore } from './session-store.ts';
import type { Traffic } from './traffic.ts';

/** How to reach Damoov, and as whom. */
export interface DamoovClientOptions {
  /** `https://user.telematicssdk.com` (documented), or a proxy in front of it; may have a path prefix. */
  readonly baseUrl: string;
  /** Needed for update, delete, find and page. */
  readonly admin?: { readonly email: string; readonly password: string } | undefined;
  /**
   * The deadline of one request in milliseconds, default 10,000. A call that has to renew the session makes several, each
   * with a deadline of its own: give a signal to bound the whole.
   */
  readonly timeoutMs?: number | undefined;
  /** How many connections the pool may hold; further requests queue within their deadline. Default 64. */
  readonly connections?: number | undefined;
  /** Default: in memory. Several processes of one admin should share one. */
  readonly sessionStore?: SessionStore | undefined;
  /** Default: in memory, 4 logins in a rolling hour. Several processes behind one IP should share one. */
  readonly loginBudget?: LoginBudget | undefined;
  /** Asked before every request leaves. Default: nothing holds a request back. Several processes should share one. */
  readonly traffic?: Traffic | undefined;
  /** The clock, in milliseconds since the epoch. Default `Date.now`. */
  readonly now?: (() => number) | undefined;
}

export const Options = z.strictObject({
  baseUrl: z
    .url({ protocol: /^https?$/, error: 'must be an http:// or https:// URL', abort: true })
    .refine((text) => {
      const { username, password, search, hash } = new URL(text);
      return `${username}${password}${search}${hash}` === '';
    }, 'must have no user, password, query or fragment'),
  // A login with an empty one is refused by Damoov, and counts all the same: too many bar the address for an hour.
  admin: z.strictObject({ email: Text, password: Text }).optional(),
  timeoutMs: wholeNumber(1).default(10_000),
  connections: wholeNumber(1).default(64),
  sessionStore: objectWith<SessionStore>('load', 'save', 'clear').optional(),
  loginBudget: objectWith<LoginBudget>('take', 'bar').optional(),
  traffic: objectWith<Traffic>('admit', 'answered').optional(),
  now: callback<() => number>().default(() => Date.now),
} satisfies Record<keyof DamoovClientOptions, z.ZodType>);
