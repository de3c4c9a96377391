/**
 * The receipt of a deletion: its content, canonical bytes, hash, signature and place in the chain of its instance.
 */
import { type KeyObject, createHash, createPublicKey, sign, verify } from 'node:crypto';
import { z } from 'zod';
import { keyedHash } from './keyed-hash.ts';

/** The `previous` of an instance's first receipt. */
export const GENESIS = '0'.repeat(64);

const Hash = z.string().regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in lower-case hex');
/** One spelling for each time, so that all readers agree. */
const Time = z.iso.datetime({ precision: 3, error: 'must be ISO 8601 in UTC with milliseconds' });
/**
 * The last character of 64 bytes carries four bits that no decoder reads: only the spelling with zeros is accepted, so that no changed
 * byte goes unnoticed.
 */
const Signature = z.string().regex(/^[\w-]{85}[AQgw]$/, 'must be 64 bytes in base64url');

const content = {
  version: z.literal(1).describe('The version of this format.'),
  instance: z.string().min(1).describe('Our name of the Damoov instance; each has a chain of its own.'),
  instanceId: z.string().min(1).describe("Damoov's InstanceId, which is no secret."),
  sequence: z.int().min(1).describe('1 for the first receipt of the instance, then one more each.'),
  previous: Hash.describe('The hash of the receipt before it, 64 zeros for the first.'),
  jobId: z.string().min(1).describe('The id of the deletion job.'),
  correlationId: z.string().optional().describe("The sender's own reference, copied from the job."),
  userId: z
    .guid()
    .optional()
    .describe("Damoov's id of the user; if there was no user, the id that the job named, if any."),
  /** See {@link pseudonymOf}. */
  pseudonym: z
    .string()
    .regex(/^[\w-]{43}$/)
    .optional()
    .describe('Replaces the clientId of the job; absent if it had none.'),
  requestedAt: Time.describe(
    "When the deletion was requested: the job's `occurredAt`, else the time at which it was added.",
  ),
  scheduledFor: Time.optional().describe('When a deferred deletion was due.'),
  executedAt: Time.optional().describe(
    'When Damoov answered the deletion, or its answer was found to be lost; absent if there was no user to delete.',
  ),
  confirmedAt: Time.optional().describe(
    'When a look-up no longer found the user; absent if none confirmed it.',
  ),
  existed: z.boolean().describe('Whether there was a user.'),
  verified: z.boolean().describe('Whether a look-up confirmed that the user is gone.'),
};

/** A receipt; `keyId` and `signature` are absent if no key is configured. */
export const Receipt = z
  .strictObject({
    ...content,
    /** See {@link keyIdOf}. */
    keyId: z
      .string()
      .regex(/^[0-9a-f]{16}$/)
      .optional()
      .describe('The id of the key that signed it.'),
    /** See {@link hashOf}. */
    hash: Hash.describe(
      'SHA-256 of the receipt as canonical JSON (RFC 8785) without `hash` and `signature`.',
    ),
    signature: Signature.optional().describe('Ed25519 over the 32 bytes of the hash, in base64url.'),
  })
  .describe('The receipt of the erasure, a link in the chain of its instance.');
export type Receipt = z.infer<typeof Receipt>;

/** The content of a receipt before it is signed. */
export type Statement = Omit<Receipt, 'keyId' | 'hash' | 'signature'>;

export interface SigningKey {
  /** Of Ed25519. */
  privateKey: KeyObject;
  /** See {@link keyIdOf}. */
  keyId: string;
}

/** RFC 8785: the names in order, no blanks. A receipt is flat and its numbers are whole, so nothing else is needed. */
const HASHED_NAMES = [...Object.keys(content), 'keyId'].sort();

/**
 * Makes the receipt of a statement, chained by its `sequence` and `previous`. Without a key it is chained but not signed, so anybody
 * could have made it; the same holds if only a key id is given. Undefined names are omitted.
 */
export function signReceipt(
  statement: Statement,
  key?: Pick<SigningKey, 'keyId'> & Partial<SigningKey>,
): Receipt {
  const hashed = { ...statement, keyId: key?.keyId };
  const hash = hashOf(hashed);
  const signature =
    key?.privateKey && sign(null, Buffer.from(hash, 'hex'), key.privateKey).toString('base64url');
  const fields = Object.entries({ ...hashed, hash, signature }).filter(([, value]) => value !== undefined);
  return Receipt.parse(Object.fromEntries(fields));
}

/** The SHA-256, in hex, of the receipt as canonical JSON (RFC 8785) without `hash` and `signature`. */
export function hashOf(receipt: Statement & { keyId?: string | undefined }): string {
  return createHash('sha256').update(JSON.stringify(receipt, HASHED_NAMES)).digest('hex');
}

/** Whether this key made the signature over the receipt's hash; does not check the hash itself. */
export function isSignedBy(
  { hash, signature }: Pick<Receipt, 'hash' | 'signature'>,
  publicKey: KeyObject,
): boolean {
  if (signature === undefined) return false;
  return verify(null, Buffer.from(hash, 'hex'), publicKey, Buffer.from(signature, 'base64url'));
}

/** The first 16 hex digits of the SHA-256 of the public key (SubjectPublicKeyInfo, DER), of either half of the pair. */
export function keyIdOf(key: KeyObject): string {
  const publicKey = key.type === 'private' ? createPublicKey(key) : key;
  return createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('hex')
    .slice(0, 16);
}

/**
 * Replaces a clientId: an HMAC-SHA256 with the instance's secret, in base64url. With the secret one can check whether a receipt belongs
 * to a given clientId. Without it the clientId can be neither read nor guessed.
 */
export function pseudonymOf(
  clientId: string,
  instance: {
    /** Damoov's InstanceId. */
    id: string;
    /** The secret from which everything of this instance's users is derived. */
    secret: string;
  },
): string {
  return keyedHash(
    instance.secret,
    JSON.stringify(['receipt', instance.id.toLowerCase(), clientId]),
    'base64url',
  );
}
