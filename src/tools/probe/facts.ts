/**
 * The facts file: what a probe found out about the real API, one answer for each question.
 */
import { z } from 'zod';

/** How a request was answered: by the envelope's Status, else the HTTP status. */
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

/** `unknown`: the probe could not decide; `seen` describes the answer, without a key, token or name. */
function fact<const Values extends readonly string[]>(...values: Values) {
  return z.strictObject({ is: z.enum([...values, 'unknown']), seen: z.string() });
}

const milliseconds = z.number().min(0).nullable();

export const Facts = z.strictObject({
  /** Whether a CustomToken becomes the UserId. */
  customToken: fact('honoured', 'ignored', 'refused'),
  /** A create with the CustomToken of an existing user. */
  repeatedToken: fact('same', 'second-user', ...ANSWERS),
  /** A create with the CustomToken of a deleted user; `ghost`: a success, but no look-up finds the user. */
  deletedToken: fact('free', 'ghost', 'second-user', ...ANSWERS),
  /** How answers write a UserId that was sent in mixed case. */
  tokenCasing: fact('lower', 'upper', 'as-given'),
  /** Whether a look-up finds a UserId in another casing than the stored one. */
  findIgnoresCase: fact('yes', 'no'),
  /** In which form a ClientId is stored; of several, `lower` precedes `trim`, and `trim` precedes `nfc`. */
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
  /** Whether a look-up shows that a user is active or inactive. */
  statusShown: fact('yes', 'no'),
  /** Which fields a create ignores; `later`: only fields that a worker writes with an update. */
  createIgnores: fact('nothing', 'later', 'needed', ...ANSWERS),
  /** Whether a look-up shows the settings of a user as they were written. */
  settingsShown: fact('yes', 'partly', 'no'),
  /** A move to the instance that the user was moved to before. */
  repeatedMove: fact('not-tried', ...ANSWERS),
  unknownUpdate: fact(...ANSWERS),
  /** A deletion of a user that never existed. */
  unknownDelete: fact(...ANSWERS),
  /** A deletion of a deleted user. */
  repeatedDelete: fact(...ANSWERS),
  /** A refresh with a used token pair. */
  badRefresh: fact(...ANSWERS),
  /** Whether a login of a user ends its earlier session: the access token or the refresh token. */
  loginRevokes: fact('yes', 'no', 'not-tried'),
  /** Whether a look-up shows the instance of a user. */
  instanceTold: fact('yes', 'no'),
  /** A create with a wrong InstanceKey. */
  wrongKey: fact('accepted', 'not-tried', ...ANSWERS),
  /**
   * Time from a write's answer until a look-up first showed it, in milliseconds: an upper bound; 0 if the first look-up showed it, null
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
