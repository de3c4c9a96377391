/**
 * Turns a token pair into a text that only the holder of the key can read, and back. Knows no Redis.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { z } from 'zod';
import type { TokenPair } from '../../damoov/session-store.ts';

const CIPHER = 'aes-256-gcm';
const VERSION = 1;
const IV_BYTES = 12;
const TAG_BYTES = 16;
const HEAD_BYTES = 1 + IV_BYTES + TAG_BYTES;

const Pair = z.object({
  accessToken: z.string().min(1),
  refreshToken: z.string().min(1).optional(),
  obtainedAt: z.number(),
  expiresAt: z.number(),
});

/** Version, initialization vector, tag and ciphertext, in base64. @param place where it will lie: it opens nowhere else. */
export function sealPair(pair: TokenPair, key: Buffer, place: string): string {
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv(CIPHER, key, iv).setAAD(Buffer.from(place));
  const text = Buffer.concat([cipher.update(JSON.stringify(pair), 'utf8'), cipher.final()]);
  return Buffer.concat([Buffer.of(VERSION), iv, cipher.getAuthTag(), text]).toString('base64');
}

/** Undefined for all that was not sealed with this key, for this place, by this version. */
export function openPair(sealed: string, key: Buffer, place: string): TokenPair | undefined {
  const bytes = Buffer.from(sealed, 'base64');
  if (bytes.length <= HEAD_BYTES || bytes[0] !== VERSION) return undefined;
  try {
    const decipher = createDecipheriv(CIPHER, key, bytes.subarray(1, 1 + IV_BYTES), {
      authTagLength: TAG_BYTES,
    });
    decipher.setAAD(Buffer.from(place)).setAuthTag(bytes.subarray(1 + IV_BYTES, HEAD_BYTES));
    const text = Buffer.concat([decipher.update(bytes.subarray(HEAD_BYTES)), decipher.final()]);
    const { refreshToken, ...rest } = Pair.parse(JSON.parse(text.toString('utf8')));
    return refreshToken === undefined ? rest : { ...rest, refreshToken };
  } catch {
    // Written by others or broken: whoever asks logs in, as if there were none.
    return undefined;
  }
}
