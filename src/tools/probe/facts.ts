/**
 * The facts file: what a probe has seen of the real API, one answer for each thing that was not known. Knows what may be
 * written there, not how it is found out, nor what follows from it.
 */
import { z } from 'zod';

/** How a request was answered: by what counts, the envelope's Status before that of HTTP. */
export const ANSWERS = [
  /** With a Result. */
  '200',
  '200-null',
  /** Without a Result. */
  '200-empty',
  '400',
  '401',
  '403',
  '404',
  '409',
  '419',
  '422',
  'other',
] as const;

/** `unknown`: the probe could not tell; `seen` says what it met, and never holds a key, a token or a name. */
function fact<const Values extends readonly string[]>(...values: Values) {
  return z.strictObject({ is: z.enum([...values, 'unknown']), seen: z.string() });
}

const milliseconds = z.number().min(0).nullable();

const FACTS = {
  /** Whether a CustomToken becomes the UserId. */
  customToken: fact('honoured', 'ignored', 'refused'),
  /** A create under the CustomToken of a user who is there. */
  repeatedToken: fact('same', 'second-user', ...ANSWERS),
  /** A create under the CustomToken of a user who was deleted; `ghost`: a success, and nobody is there. */
  deletedToken: fact('free', 'ghost', 'second-user', ...ANSWERS),
  /** How answers write a UserId that was given in mixed case. */
  tokenCasing: fact('lower', 'upper', 'as-given'),
  /** Whether a look-up finds a UserId in another casing than it is written in. */
  findIgnoresCase: fact('yes', 'no'),
  /** Whether a create that does not mention CreateAccessToken gets tokens. */
  accessTokenByDefault: fact('yes', 'no'),
  /** In which form a ClientId is kept; where in several, `lower` counts before `trim`, and that before `nfc`. */
  clientIdForm: fact('exact', 'trim', 'nfc', 'lower', ...ANSWERS),
  /** A create with the ClientId of another user. */
  duplicateClientId: fact('allowed', ...ANSWERS),
  /** A create with email and phone of another user. */
  duplicateContact: fact('allowed', ...ANSWERS),
  /** What null and "" do to a field in an update; `kept`: "" is stored. */
  nullInProfile: fact('clears', 'ignored', 'kept', ...ANSWERS),
  emptyInProfile: fact('clears', 'ignored', 'kept', ...ANSWERS),
  nullInClientId: fact('clears', 'ignored', 'kept', ...ANSWERS),
  emptyInClientId: fact('clears', 'ignored', 'kept', ...ANSWERS),
  /** With which word an update makes a user inactive. */
  inactiveIsWritten: fact('Deactivated', 'Inactive', 'neither'),
  unknownUpdate: fact(...ANSWERS),
  /** A deletion of a user who has never existed. */
  unknownDelete: fact(...ANSWERS),
  /** A deletion of a user who was deleted. */
  repeatedDelete: fact(...ANSWERS),
  /** A refresh with a token pair that was spent. */
  badRefresh: fact(...ANSWERS),
  /** How UserFields come back from a look-up. */
  userFields: fact('array', 'object', 'none'),
  /** Whether a look-up tells the instance of a user. */
  instanceTold: fact('yes', 'no'),
  /** Where errors are told: by the status of HTTP, or under HTTP 200 by that of the envelope. */
  errorsUnder: fact('http-status', 'http-200', 'both'),
  /** A create with a wrong InstanceKey. */
  wrongKey: fact('accepted', 'not-tried', ...ANSWERS),
} as const;

/** What a request that creates nobody was answered: enough to tell two answers apart. */
const Signature = z.strictObject({
  http: z.int(),
  status: z.int(),
  result: z.string(),
  keys: z.array(z.string()),
});
export type Signature = z.infer<typeof Signature>;

/** The creates that are made to be refused, by what is wrong with them. */
export const FAULTY_CREATES = ['token', 'type'] as const;

export const Facts = z.strictObject({
  ...FACTS,
  /**
   * How long after its answer a write was first seen by a look-up, in milliseconds: an upper bound, 0 where the first look-up
   * saw it, null where none did in time.
   */
  findLagMs: z.strictObject({ create: milliseconds, update: milliseconds, deletion: milliseconds }),
  /** Whether a create that is faulty, and so makes nobody, is answered differently with a wrong InstanceKey. */
  keyCheck: z.discriminatedUnion('is', [
    z.strictObject({
      is: z.literal('tells'),
      fault: z.enum(FAULTY_CREATES),
      right: Signature,
      wrong: Signature,
      seen: z.string(),
    }),
    z.strictObject({ is: z.enum(['cannot-tell', 'not-tried', 'unknown']), seen: z.string() }),
  ]),
});
export type Facts = z.infer<typeof Facts>;

/** Whether something that the product relies on holds; null: the probe could not tell. */
const Assumption = z.strictObject({
  assumption: z.string(),
  holds: z.boolean().nullable(),
  /** What it means where it does not hold. */
  otherwise: z.string(),
});
export type Assumption = z.infer<typeof Assumption>;

const Setting = z.strictObject({ variable: z.string(), value: z.string(), because: z.string() });
export type Setting = z.infer<typeof Setting>;

export const FactsFile = z.strictObject({
  version: z.literal(1),
  probedAt: z.iso.datetime(),
  baseUrl: z.string(),
  /** Our name of the instance, not Damoov's id. */
  instance: z.string(),
  facts: Facts,
  /** As judged when the file was written; whoever reads it judges anew. */
  assumptions: z.array(Assumption),
  settings: z.array(Setting),
});
export type FactsFile = z.infer<typeof FactsFile>;
