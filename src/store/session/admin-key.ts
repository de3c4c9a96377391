/**
 * Derives from the admin's credentials the key that encrypts their session, and a public fingerprint of them.
 */
import { slowHash } from './slow-hash.ts';

export interface AdminKey {
  /** 32 bytes, for AES-256. A secret. */
  readonly encryptionKey: Buffer;
  /**
   * 16 characters, the same for the same credentials at the same API: for names of keys. Each guess at the password costs a full
   * derivation.
   */
  readonly fingerprint: string;
}

const KEY_BYTES = 32;
const FINGERPRINT_BYTES = 12;

/**
 * Throws only if the address is no URL (TypeError).
 * @param work see `slowHash`: only a fleet with the same value shares a session.
 */
export async function deriveAdminKey(
  admin: { email: string; password: string; baseUrl: string },
  work?: number,
): Promise<AdminKey> {
  const { origin, pathname } = new URL(admin.baseUrl);
  const salt = JSON.stringify(['damoov-admin', origin + pathname.replace(/(?<!\/)\/+$/, ''), admin.email]);
  const derived = await slowHash(admin.password, salt, KEY_BYTES + FINGERPRINT_BYTES, work);
  return {
    encryptionKey: derived.subarray(0, KEY_BYTES),
    fingerprint: derived.subarray(KEY_BYTES).toString('base64url'),
  };
}
