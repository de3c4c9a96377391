/**
 * Seals the data of jobs that failed, so that they can be run again and nobody but a worker can read them meanwhile.
 * Knows keys and ciphers, not what a job is.
 */
import {
  type CipherKey,
  type KeyObject,
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  hkdfSync,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto';
import type { Instance } from '../operations/context.ts';

export interface Seal {
  /**
   * Seals what a job said under the secret of the instance; where that is unknown, of `default`, else of the first configured.
   * Nobody but this job's own runs opens it.
   */
  seal(jobId: string, text: string, instance: string | undefined): string;
  /** What was sealed; undefined where none of the instances' secrets opens it. */
  open(jobId: string, sealed: string): { text: string } | 'erased' | undefined;
  /** A proof that a worker wrote this text into this job; `isProven` tells it. */
  prove(jobId: string, text: string, instance: string | undefined): string;
  isProven(jobId: string, text: string, proof: string): boolean;
}

/**
 * What {@link Seal.seal} answers: a version, a proof that this job was sealed, and nonce, tag and ciphertext in base64. The last
 * part is missing where it was erased: the proof is what no producer can write.
 */
export const SEALED = /^1\.[\w-]{16}\.(?:[A-Za-z0-9+/]{38,}={0,2})?$/;

/** The same without what was sealed. */
export function erased(sealed: string): string {
  return sealed.slice(0, sealed.lastIndexOf('.') + 1);
}

const CIPHER = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const PROOF_BYTES = 12;

/** @param instances by name; at least one. */
export function createSeal(instances: ReadonlyMap<string, Pick<Instance, 'secret'>>): Seal {
  const keys = new Map([...instances].map(([name, { secret }]) => [name, keyOf(secret)] as const));
  const [fallback] = [keys.get('default'), ...keys.values()].filter((key) => key !== undefined);
  const keyFor = (instance = 'default') => {
    const key = keys.get(instance) ?? fallback;
    if (key === undefined) throw new Error('no instance is configured');
    return key;
  };
  return {
    prove: (jobId, text, instance) => proofOf(keyFor(instance), `${jobId}\n${text}`).toString('base64url'),
    isProven: (jobId, text, proof) =>
      [...keys.values()].some((key) => isProof(Buffer.from(proof, 'base64url'), key, `${jobId}\n${text}`)),
    seal(jobId, text, instance) {
      const key = keyFor(instance);
      return `1.${proofOf(key, jobId).toString('base64url')}.${encrypt(key, jobId, text)}`;
    },
    open(jobId, sealed) {
      const [, proof = '', body = ''] = sealed.split('.');
      // The instance may have been configured only after the job had failed for want of it.
      const key = [...keys.values()].find((key) => isProof(Buffer.from(proof, 'base64url'), key, jobId));
      if (key === undefined) return undefined;
      if (body === '') return 'erased';
      const text = decrypt(key, jobId, body);
      return text === undefined ? undefined : { text };
    },
  };
}

function proofOf(key: KeyObject, jobId: string): Buffer {
  return createHmac('sha256', key).update(jobId).digest().subarray(0, PROOF_BYTES);
}

function isProof(proof: Buffer, key: KeyObject, jobId: string): boolean {
  return proof.length === PROOF_BYTES && timingSafeEqual(proof, proofOf(key, jobId));
}

/** As Node keeps it: made of the bytes anew for each use, a key would cost more than what is done with it. */
function keyOf(secret: string): KeyObject {
  return createSecretKey(Buffer.from(hkdfSync('sha256', secret, '', 'damoov-user-lifecycle failed job', 32)));
}

/** AES-256-GCM: nonce, tag and ciphertext in base64. @param place where it will lie: it is decrypted nowhere else. */
export function encrypt(key: CipherKey, place: string, text: string): string {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES }).setAAD(Buffer.from(place));
  const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), body]).toString('base64');
}

/** Undefined for everything that was not encrypted with this key for this place. */
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
