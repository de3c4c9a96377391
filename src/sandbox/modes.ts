/**
 * The sandbox's modes: how it misbehaves, and which of the conflicting accounts of the API it follows. Modes do not affect the controls
 * under `/_sandbox`. The defaults are well-behaved, and follow the first account in case of conflict.
 */
import { z } from 'zod';
import { EMPTY_PROFILE, FRESH_FIELDS } from './empty-user.ts';

const rate = z.number().min(0).max(1).default(0);
const milliseconds = z.number().min(0);
const count = z.int().min(0);
// A longer timer fires at once.
const latency = milliseconds.max(2 ** 31 - 1);
const range = z.tuple([latency, latency]).refine(([min, max]) => min <= max);

/** `409` and `"409"` are the same: a status may be written as a number. */
function oneOf<const T extends readonly string[]>(...values: T) {
  return z.preprocess((value) => (typeof value === 'number' ? String(value) : value), z.enum(values));
}

const FIELDS: ReadonlySet<string> = new Set([
  ...Object.keys({ ...EMPTY_PROFILE, ...FRESH_FIELDS }),
  'Status',
  'InstanceId',
]);
/** Names as the API writes them. */
const fields = z.array(z.string().refine((name) => FIELDS.has(name), 'Expected the name of a field'));

const MODES = z.strictObject({
  /** From receipt to answer, drawn evenly from a range. The effect happens on receipt, even if the caller hangs up early. */
  latencyMs: z.union([latency, range], 'Expected milliseconds, or [min, max] with min <= max').default(0),
  /** The share of requests that are answered with `errorStatus` and not applied. */
  errorRate: rate,
  errorStatus: z.int().min(400).max(599).default(500),
  /** The body of such an error: the error envelope, a proxy's page, or nothing. */
  errorBody: z.enum(['json', 'html', 'empty']).default('json'),
  /**
   * The share of requests that changed something and get no answer: the socket is closed instead. Logins and refreshes count as
   * changes: the old refresh token is spent and the new one is lost.
   */
  commitThenDropRate: rate,
  /** The share of requests that are not applied and get no answer. */
  dropRate: rate,
  /**
   * A create whose CustomToken is taken (unknown in the API): `same` answers 200 with that token and changes nothing; a status refuses;
   * `second-user` creates another user under another token.
   */
  duplicateToken: oneOf('same', '409', '422', '400', 'second-user').default('same'),
  /** Each create gets a fresh token (unknown in the API). */
  ignoreCustomToken: z.boolean().default(false),
  /** A deletion of an unknown or deleted user (conflicting accounts). */
  unknownDelete: oneOf('404', '403', '200-null').default('404'),
  /** A create with a wrong InstanceId or InstanceKey (unknown); `200-empty`: 200 without a Result. */
  badKey: oneOf('401', '403', '404', '422', '200-empty').default('401'),
  /** A refresh with a bad token (conflicting accounts); `419-envelope`: HTTP 200, envelope Status 419. */
  badRefresh: oneOf('401', '400', '419-envelope').default('401'),
  /** Every error envelope comes under HTTP 200 (seen in shipped code). */
  envelopeErrors: z.boolean().default(false),
  /**
   * How long an access token from login or refresh is accepted (a day is documented). Setting it also shortens the tokens already
   * issued and never lengthens one: 0 and then a day revokes all tokens issued so far.
   */
  accessTokenTtlMs: milliseconds.default(86_400_000),
  /** Whether a login revokes the tokens that the account had before (documented; the vendor's apps live without it). */
  loginRevokes: z.boolean().default(false),
  /** The login after `max` within `windowMs` gets 429 and bars every login for `barMs` (documented, with contradictions). */
  loginLimit: z
    .strictObject({
      max: count.default(5),
      windowMs: milliseconds.default(60_000),
      barMs: milliseconds.default(3_600_000),
    })
    .nullable()
    .prefault({}),
  /**
   * Requests after `max` in a window get 429 and are not applied. `retryAfter` is sent as the Retry-After header: seconds, or text as
   * it is (an HTTP date).
   */
  rateLimit: z
    .strictObject({
      max: count,
      windowMs: milliseconds.default(1000),
      retryAfter: z
        .union([z.number().min(0), z.string().regex(/^[\x20-\x7e]*$/)])
        .nullable()
        .default(null),
    })
    .nullable()
    .default(null),
  /**
   * What null and "" do to a field or ClientId in an update (unknown in the API). `ignored` changes nothing, `kept` stores the empty
   * text, `422` refuses the update.
   */
  clearing: z
    .strictObject({
      null: oneOf('clears', 'ignored', '422').default('clears'),
      empty: oneOf('kept', 'clears', 'ignored', '422').default('kept'),
    })
    .prefault({}),
  /** How DeviceTokens are written in answers (unknown in the API). */
  tokenCasing: z.enum(['lower', 'upper', 'as-given']).default('lower'),
  /** Whether a create without CreateAccessToken gets tokens: several vendor apps rely on it. */
  accessTokenByDefault: z.boolean().default(true),
  /** Whether LoginFields may be an object (seen in shipped code), besides the documented JSON string. */
  objectLoginFields: z.boolean().default(true),
  /**
   * The case of a name in LoginFields: the vendor's frameworks write DeviceToken and Email; its reference demands Devicetoken and answers
   * other spellings with 401 (conflicting accounts).
   */
  loginFieldCase: z.enum(['any', 'exact']).default('any'),
  /** What a user's own JWT may do: all that the vendor's apps do, or nothing (its newer reference: conflicting). */
  ownUser: oneOf('allowed', '403').default('allowed'),
  /** A create without email and phone is refused (documented once, for one product line). */
  contactRequired: z.boolean().default(false),
  /**
   * A Gender, MaritalStatus or Birthday outside the documented values: inputs are not validated (documented), so it is stored; `422`
   * refuses it.
   */
  unknownValues: oneOf('kept', '422').default('kept'),
  /** Fields that a create ignores: those that are neither documented for it nor seen in the vendor's frameworks. */
  createIgnores: fields.default(['Country', 'District', 'City', 'ExternalImageUrl']),
  /** Fields that reads leave out (unknown in the API: which ones a read shows). */
  hiddenFields: fields.default([]),
  /** How a Birthday is read: as a time without a zone (seen in live samples), or as written. */
  birthdayForm: z.enum(['datetime', 'as-given']).default('datetime'),
  /** A move to the user's present instance (unknown in the API). */
  repeatedMove: oneOf('done', '409', '422', '400', '403').default('done'),
  /** The Result of a count: a number, or an object with this name for it (unknown: the one known caller accepts all). */
  countForm: z.enum(['number', 'Count', 'TotalUsers', 'Total']).default('number'),
  /** In which form a ClientId is stored and compared (unknown in the API): `nfc` is Unicode NFC. */
  clientIdForm: z.enum(['exact', 'trim', 'nfc', 'lower']).default('exact'),
  /** A create with the ClientId of another user: a second user (documented), or a refusal. */
  duplicateClientId: oneOf('allowed', '409', '422', '400').default('allowed'),
  /** The token of a deleted user (unknown in the API): `taken`, so that `duplicateToken` applies, or free for another user. */
  deletedToken: z.enum(['taken', 'free']).default('taken'),
  /** Until a write is seen by find, the filtered page and the count (unknown in the API). */
  findLagMs: milliseconds.default(0),
  /** The seed of every draw; setting it starts the draws anew. */
  seed: z.int().default(1),
});

export type SandboxModes = z.output<typeof MODES>;

export const DEFAULT_MODES: SandboxModes = MODES.parse({});

export type ModesChange =
  | { readonly ok: true; readonly modes: SandboxModes }
  | { readonly ok: false; readonly faults: readonly string[] };

/**
 * The modes after a change, or every fault of it: one bad value and nothing is changed. A limit may leave parts out; they take their
 * defaults.
 */
export function changeModes(current: SandboxModes, change: object): ModesChange {
  const result = MODES.safeParse({ ...current, ...change });
  if (result.success) return { ok: true, modes: result.data };
  return { ok: false, faults: result.error.issues.flatMap(describe) };
}

function describe(issue: z.core.$ZodIssue): string[] {
  if (issue.code !== 'unrecognized_keys') return [`${issue.path.join('.')}: ${issue.message}`];
  return issue.keys.map((key) => `${[...issue.path, key].join('.')}: no such mode`);
}
