/**
 * Seals the data of jobs that failed, so that they can be run again and nobody but a worker can read them meanwhile.
 * Knows keys and ciphers, not what a job is.
 */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import type { Instance } from '../operations/context.ts';

export interface Seal {
  /** Seals a text under the secret of the instance; where that is unknown, of `default`, else of the first configured. */
  seal(text: string, instance: string | undefined): string;
  /** The text; undefined where none of the instances' secrets opens it. */
  open(sealed: string): string | undefined;
}

/** What {@link Seal.seal} answers: a version, then nonce, tag and ciphertext in base64. */
export const SEALED = /^1\.[A-Za-z0-9+/]{38,}={0,2}$/;

const PREFIX = '1.';
const CIPHER = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** @param instances by name; at least one. */
export function createSeal(instances: ReadonlyMap<string, Pick<Instance, 'secret'>>): Seal {
  const keys = new Map([...instances].map(([name, { secret }]) => [name, keyOf(secret)] as const));
  const [fallback] = [keys.get('default'), ...keys.values()].filter((key) => key !== undefined);
  return {
    seal(text, instance = 'default') {
      const key = keys.get(instance) ?? fallback;
      if (key === undefined) throw new Error('no instance is configured');
      return sealWith(key, text);
    },
    open(sealed) {
      // The instance may have been configured only after the job had failed for want of it.
      for (const key of keys.values()) {
        const text = openWith(key, sealed);
        if (text !== undefined) return text;
      }
      return undefined;
    },
  };
}

function keyOf(secret: string): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, '', 'damoov-user-lifecycle failed job', 32));
}

function sealWith(key: Buffer, text: string): string {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES });
  const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
  return PREFIX + Buffer.concat([nonce, cipher.getAuthTag(), body]).toString('base64');
}

function openWith(key: Buffer, sealed: string): string | undefined {
  const bytes = Buffer.from(sealed.slice(PREFIX.length), 'base64');
  const [nonce, tag, body] = [
    bytes.subarray(0, NONCE_BYTES),
    bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES),
    bytes.subarray(NONCE_BYTES + TAG_BYTES),
  ];
  try {
    const decipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES });
    decipher.setAuthTag(tag);
    return Buffer.concat([decipher.update(body), decipher.final()]).toString('utf8');
  } catch {
    return undefined;
  }
}
