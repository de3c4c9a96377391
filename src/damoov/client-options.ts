/**
 * The options of the client of Damoov, and their checks.
 */
import { z } from 'zod';
import { Text, callback, objectWith, wholeNumber } from './checked-options.ts';
import type { LoginBudget } from './login-budget.ts';
import type { SessionStore } from './session-store.ts';
import type { Traffic } from './traffic.ts';

/** The address of Damoov and the admin's credentials. */
export interface DamoovClientOptions {
  /** `https://user.telematicssdk.com` (documented), or a proxy in front of it; may have a path prefix. */
  readonly baseUrl: string;
  /** Needed for update, delete, find and page. */
  readonly admin?: { readonly email: string; readonly password: string } | undefined;
  /**
   * The deadline of one request in milliseconds, default 10,000. A call that has to renew the session makes several, each with its own
   * deadline: use a signal to limit the whole call.
   */
  readonly timeoutMs?: number | undefined;
  /** Maximum number of connections in the pool; further requests queue within their deadline. Default 64. */
  readonly connections?: number | undefined;
  /** Default: in memory. Several processes of one admin should share one. */
  readonly sessionStore?: SessionStore | undefined;
  /** Default: in memory, 4 logins in a rolling hour. Several processes behind one IP should share one. */
  readonly loginBudget?: LoginBudget | undefined;
  /** Admits each request before it is sent. Default: no limit. Several processes should share one. */
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
  // Damoov refuses a login with an empty one but counts it: too many bar the address for an hour.
  admin: z.strictObject({ email: Text, password: Text }).optional(),
  timeoutMs: wholeNumber(1).default(10_000),
  connections: wholeNumber(1).default(64),
  sessionStore: objectWith<SessionStore>('load', 'save', 'clear').optional(),
  loginBudget: objectWith<LoginBudget>('take', 'bar').optional(),
  traffic: objectWith<Traffic>('admit', 'answered').optional(),
  now: callback<() => number>().default(() => Date.now),
} satisfies Record<keyof DamoovClientOptions, z.ZodType>);
