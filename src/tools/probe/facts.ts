/**
 * The facts file: what a probe has seen of the real API, one answer for each thing that was not known.
 */
import { z } from 'zod';

/** How a request was answered: by the envelope's Status, else that of HTTP. */
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

export const Facts = z.strictObject({
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
  /** In which form a ClientId is kept; if in several, `lower` counts before `trim`, and that before `nfc`. */
  clientIdForm: fact('exact', 'trim', 'nfc', 'lower', ...ANSWERS),
  /** A create with the ClientId of another user. */
  duplicateClientId: fact('allowed', ...ANSWERS),
  /** A create with email and phone of another user. */
  duplicateContact: fact('allowed', ...ANSWERS),
  /** What null and "" do to a field in an update; `kept`: "" is stored. */
  nullInProfile: fact('clears', 'ignored', 'kept', ...ANSWERS),
  emptyInProfile: fact('clears', 'ignored', 'kept', ...ANSWERS),
  nullInClientId: fact('clears', 'ignored', 'kept', ...ANSWERS),
  /** With which word an update makes a user inactive. */
  inactiveIsWritten: fact('Deactivated', 'neither'),
  unknownUpdate: fact(...ANSWERS),
  /** A deletion of a user who has never existed. */
  unknownDelete: fact(...ANSWERS),
  /** A deletion of a user who was deleted. */
  repeatedDelete: fact(...ANSWERS),
  /** A refresh with a token pair that was spent. */
  badRefresh: fact(...ANSWERS),
  /** Whether a look-up shows the instance of a user. */
  instanceTold: fact('yes', 'no'),
  /** A create with a wrong InstanceKey. */
  wrongKey: fact('accepted', 'not-tried', ...ANSWERS),
  /**
   * How long after its answer a write was first seen by a look-up, in milliseconds: an upper bound, 0 if the first look-up saw it, null
   * if none did in time.
   */
  findLagMs: z.strictObject({ create: milliseconds, update: milliseconds, deletion: milliseconds }),
});
export type Facts = z.infer<typeof Facts>;

export const FactsFile = z.strictObject({
  version: z.literal(1),
  probedAt: z.iso.datetime(),
  baseUrl: z.string(),
  /** Our name of the instance, not Damoov's id. */
  instance: z.string(),
  facts: Facts,
});
export type FactsFile = z.infer<typeof FactsFile>;
