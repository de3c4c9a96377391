/**
 * The sandbox's modes: how it misbehaves, and which of the conflicting accounts of the API it follows.
 * Knows what a valid mode is, not what a mode does.
 */
import { z } from 'zod';

/**
 * How the sandbox behaves. No mode touches the controls under `/_sandbox`.
 * Where the API's behaviour is unknown or told in conflicting ways, each account is a value here.
 */
export interface SandboxModes {
  /**
   * Milliseconds between receipt and answer: a number, or `[min, max]` drawn evenly. Default 0.
   * The effect happens on receipt: a caller that hangs up early has changed the world all the same.
   */
  readonly latencyMs: number | readonly [number, number];
  /** The share of requests, 0 to 1, answered with `errorStatus` and not applied. Default 0. */
  readonly errorRate: number;
  /** 400 to 599. Default 500. */
  readonly errorStatus: number;
  /** The body of such an error: the error envelope, a proxy's page, or nothing. Default `json`. */
  readonly errorBody: 'json' | 'html' | 'empty';
  /**
   * The share of requests that changed something and get no answer: the socket is closed instead.
   * Log-ins and refreshes count as changes: the old refresh token is spent and the new one is lost. Default 0.
   */
  readonly commitThenDropRate: number;
  /** The share of requests that are not applied and get no answer: the socket is closed. Default 0. */
  readonly dropRate: number;
  /**
   * A create whose CustomToken is taken (unknown in the API): `same` answers 200 with that token and changes
   * nothing; a status refuses; `second-user` creates another user under another token. Default `same`.
   */
  readonly duplicateToken: 'same' | '409' | '422' | '400' | 'second-user';
  /** CustomToken is ignored and each create gets a fresh token (unknown in the API). Default false. */
  readonly ignoreCustomToken: boolean;
  /** A deletion of an unknown or deleted user (conflicting accounts). Default `404`. */
  readonly unknownDelete: '404' | '403' | '200-null';
  /** A create with a wrong InstanceId or InstanceKey (unknown); `200-empty` = 200 without Result. Default `401`. */
  readonly badKey: '401' | '403' | '404' | '422' | '200-empty';
  /** A refresh with a bad token (conflicting); `419-envelope` = HTTP 200, envelope Status 419. Default `401`. */
  readonly badRefresh: '401' | '400' | '419-envelope';
  /** Every error envelope comes under HTTP 200 (seen in shipped code). Default false. */
  readonly envelopeErrors: boolean;
  /**
   * How long an access token from log-in or refresh is accepted, in milliseconds. Default 86 400 000 (documented).
   * Setting it also shortens the tokens already issued; it never lengthens one. So 0 and then a day means
   * "revoke all tokens issued so far".
   */
  readonly accessTokenTtlMs: number;
  /**
   * Whether a log-in revokes the access and refresh tokens that the same account had before (documented; the vendor's apps
   * live without it). Default false.
   */
  readonly loginRevokes: boolean;
  /**
   * The log-in attempt after `max` within `windowMs` gets 429 and bars every log-in for `barMs`, right or wrong.
   * Default 5 in a minute, an hour (documented, with contradictions); null = no limit.
   */
  readonly loginLimit: { readonly max: number; readonly windowMs: number; readonly barMs: number } | null;
  /**
   * Requests after `max` in a window of `windowMs` get 429 and are not applied. `retryAfter` is sent as the
   * Retry-After header: seconds, or text as it is (an HTTP date); null = no header. Default null: no limit.
   */
  readonly rateLimit: {
    readonly max: number;
    readonly windowMs: number;
    readonly retryAfter: number | string | null;
  } | null;
  /**
   * What null and "" do to a text field, a ClientId too, in an update (unknown in the API). `ignored` leaves the field as it
   * is, `kept` stores the empty text, `422` refuses the update. Default: null clears, "" is kept.
   */
  readonly clearing: {
    readonly null: 'clears' | 'ignored' | '422';
    readonly empty: 'kept' | 'clears' | 'ignored' | '422';
  };
  /** How DeviceTokens are written in answers (unknown in the API). Default `lower`. */
  readonly tokenCasing: 'lower' | 'upper' | 'as-given';
  /** Whether a create that says nothing of CreateAccessToken gets tokens: several vendor apps rely on it. Default true. */
  readonly accessTokenByDefault: boolean;
  /**
   * In which form a ClientId is kept (unknown in the API): to the letter, without blanks at its ends, in Unicode NFC, or in
   * lower case. A ClientId that is looked for is brought into the same form. Default `exact`.
   */
  readonly clientIdForm: 'exact' | 'trim' | 'nfc' | 'lower';
  /** A create with the ClientId of another user: a second user (documented), or a refusal. Default `allowed`. */
  readonly duplicateClientId: 'allowed' | '409' | '422' | '400';
  /**
   * Whether the token of a deleted user is still taken, so that `duplicateToken` says what a create under it comes to, or
   * free for another user (unknown in the API). Default `taken`.
   */
  readonly deletedToken: 'taken' | 'free';
  /** Milliseconds until a write is seen by find and by the filtered page (unknown in the API). Default 0. */
  readonly findLagMs: number;
  /** The seed of every draw; setting it starts the draws anew. Default 1. */
  readonly seed: number;
}

const CLEARING = { null: 'clears', empty: 'kept' } as const;
const LOGIN_LIMIT = { max: 5, windowMs: 60_000, barMs: 3_600_000 };

/** Well-behaved, and the first account wherever accounts conflict. */
export const DEFAULT_MODES: SandboxModes = {
  latencyMs: 0,
  errorRate: 0,
  errorStatus: 500,
  errorBody: 'json',
  commitThenDropRate: 0,
  dropRate: 0,
  duplicateToken: 'same',
  ignoreCustomToken: false,
  unknownDelete: '404',
  badKey: '401',
  badRefresh: '401',
  envelopeErrors: false,
  accessTokenTtlMs: 86_400_000,
  loginRevokes: false,
  loginLimit: LOGIN_LIMIT,
  rateLimit: null,
  clearing: CLEARING,
  tokenCasing: 'lower',
  accessTokenByDefault: true,
  clientIdForm: 'exact',
  duplicateClientId: 'allowed',
  deletedToken: 'taken',
  findLagMs: 0,
  seed: 1,
};

/** What a header may carry. */
const PRINTABLE = /^[\x20-\x7e]*$/;
const rate = z.number().min(0).max(1);
const milliseconds = z.number().min(0);
const count = z.int().min(0);
// A longer timer fires at once.
const latency = milliseconds.max(2 ** 31 - 1);
const range = z.tuple([latency, latency]).refine(([min, max]) => min <= max);

/** `409` and `"409"` are the same: a status is easily written as a number. */
function oneOf<const T extends readonly string[]>(values: T) {
  return z.preprocess((value) => (typeof value === 'number' ? String(value) : value), z.enum(values));
}

const MODES = z.strictObject({
  latencyMs: z.union([latency, range], 'Expected milliseconds, or [min, max] with min <= max'),
  errorRate: rate,
  errorStatus: z.int().min(400).max(599),
  errorBody: z.enum(['json', 'html', 'empty']),
  commitThenDropRate: rate,
  dropRate: rate,
  duplicateToken: oneOf(['same', '409', '422', '400', 'second-user']),
  ignoreCustomToken: z.boolean(),
  unknownDelete: oneOf(['404', '403', '200-null']),
  badKey: oneOf(['401', '403', '404', '422', '200-empty']),
  badRefresh: oneOf(['401', '400', '419-envelope']),
  envelopeErrors: z.boolean(),
  accessTokenTtlMs: milliseconds,
  loginRevokes: z.boolean(),
  loginLimit: z
    .strictObject({
      max: count.default(LOGIN_LIMIT.max),
      windowMs: milliseconds.default(LOGIN_LIMIT.windowMs),
      barMs: milliseconds.default(LOGIN_LIMIT.barMs),
    })
    .nullable(),
  rateLimit: z
    .strictObject({
      max: count,
      windowMs: milliseconds.default(1000),
      retryAfter: z
        .union([z.number().min(0), z.string().regex(PRINTABLE)])
        .nullable()
        .default(null),
    })
    .nullable(),
  clearing: z.strictObject({
    null: oneOf(['clears', 'ignored', '422']).default(CLEARING.null),
    empty: oneOf(['kept', 'clears', 'ignored', '422']).default(CLEARING.empty),
  }),
  tokenCasing: z.enum(['lower', 'upper', 'as-given']),
  accessTokenByDefault: z.boolean(),
  clientIdForm: z.enum(['exact', 'trim', 'nfc', 'lower']),
  duplicateClientId: oneOf(['allowed', '409', '422', '400']),
  deletedToken: z.enum(['taken', 'free']),
  findLagMs: milliseconds,
  seed: z.int(),
}) satisfies z.ZodType<SandboxModes>;

export type ModesChange =
  | { readonly ok: true; readonly modes: SandboxModes }
  | { readonly ok: false; readonly faults: readonly string[] };

/**
 * The modes after a change, or every fault of it: one bad value and nothing is changed.
 * A limit may leave parts out; they take their defaults.
 */
export function changeModes(current: SandboxModes, change: object): ModesChange {
  const result = MODES.safeParse({ ...current, ...change });
  if (result.success) return { ok: true, modes: result.data };
  return { ok: false, faults: result.error.issues.flatMap(describe) };
}

function describe(issue: z.core.$ZodIssue): string[] {
  const parent = issue.path.join('.');
  if (issue.code !== 'unrecognized_keys') return [`${parent}: ${issue.message}`];
  return issue.keys.map((key) => `${parent === '' ? key : `${parent}.${key}`}: no such mode`);
}
