/**
 * Encrypts the data of failed jobs, so that a worker can retry them and nothing else can read them.
 */
import {
  type CipherKey,
  type KeyObject,
  createCipheriv,
  createDecipheriv,
  createSecretKey,
  hkdfSync,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto';
import { keyedHash } from '../contract/keyed-hash.ts';
import type { Instance } from '../operations/context.ts';

export interface JobCipher {
  /**
   * Encrypts the text with the secret of the instance; if that is unknown, of `default`, else of the first configured. Only a worker
   * that runs this job can decrypt it.
   */
  encrypt(jobId: string, text: string, instance: string | undefined): string;
  /** Returns undefined if the secret of no instance decrypts it. */
  decrypt(jobId: string, encrypted: string): { text: string } | 'erased' | undefined;
  /** A proof that a worker wrote this text into this job; `isProven` checks it. */
  prove(jobId: string, text: string, instance: string | undefined): string;
  isProven(jobId: string, text: string, proof: string): boolean;
}

/**
 * The result of {@link JobCipher.encrypt}: a version, a proof that a worker encrypted data of this job, and nonce, tag and ciphertext in
 * base64. The last part is empty once it was erased; no producer can forge the proof.
 */
export const ENCRYPTED = /^1\.[\w-]{16}\.(?:[A-Za-z0-9+/]{38,}={0,2})?$/;

/** Removes the ciphertext and keeps the proof. */
export function erased(encrypted: string): string {
  return encrypted.slice(0, encrypted.lastIndexOf('.') + 1);
}

const CIPHER = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** In base64url: 12 bytes. */
const PROOF_LENGTH = 16;

/** @param instances by name; at least one. */
export function createJobCipher(instances: ReadonlyMap<string, Pick<Instance, 'secret'>>): JobCipher {
  const keys = new Map([...instances].map(([name, { secret }]) => [name, keyOf(secret)] as const));
  const [fallback] = [keys.get('default'), ...keys.values()].filter((key) => key !== undefined);
  const keyFor = (instance = 'default') => {
    const key = keys.get(instance) ?? fallback;
    if (key === undefined) throw new Error('no instance is configured');
    return key;
  };
  return {
    prove: (jobId, text, instance) => proofOf(keyFor(instance), `${jobId}\n${text}`),
    isProven: (jobId, text, proof) =>
      [...keys.values()].some((key) => isProof(proof, key, `${jobId}\n${text}`)),
    encrypt(jobId, text, instance) {
      const key = keyFor(instance);
      return `1.${proofOf(key, jobId)}.${encrypt(key, jobId, text)}`;
    },
    decrypt(jobId, encrypted) {
      const [, proof = '', body = ''] = encrypted.split('.');
      // The instance may have been configured only after its missing configuration had failed the job.
      const key = [...keys.values()].find((key) => isProof(proof, key, jobId));
      if (key === undefined) return undefined;
      if (body === '') return 'erased';
      const text = decrypt(key, jobId, body);
      return text === undefined ? undefined : { text };
    },
  };
}

function proofOf(key: KeyObject, text: string): string {
  return keyedHash(key.export(), text, 'base64url').slice(0, PROOF_LENGTH);
}

function isProof(proof: string, key: KeyObject, text: string): boolean {
  const [given, right] = [Buffer.from(proof), Buffer.from(proofOf(key, text))];
  return given.length === right.length && timingSafeEqual(given, right);
}

/** Node's key object: creating it for each use costs more than the encryption. */
function keyOf(secret: string): KeyObject {
  return createSecretKey(Buffer.from(hkdfSync('sha256', secret, '', 'damoov-user-lifecycle failed job', 32)));
}

/** AES-256-GCM: nonce, tag and ciphertext in base64. @param place where the text is stored; decryption needs the same place. */
export function encrypt(key: CipherKey, place: string, text: string): string {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES }).setAAD(Buffer.from(place));
  const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), body]).toString('base64');
}

/** Undefined unless the text was encrypted with this key for this place. */
export function decrypt(key: CipherKey, place: string, encrypted: string): string | undefined {
  const bytes = Buffer.from(encrypted, 'base64');
  const head = NONCE_BYTES + TAG_BYTES;
  try {
    const decipher = createDecipheriv(CIPHER, key, bytes.subarray(0, NONCE_BYTES), {
      authTagLength: TAG_BYTES,
    });
    decipher.setAAD(Buffer.from(place)).setAuthTag(bytes.subarray(NONCE_BYTES, head));
    return Buffer.concat([decipher.update(bytes.subarray(head)), decipher.final()]).toString('utf8');
  } catch {
    return undefined;
  }
}
