/**
 * HMAC-SHA256 (RFC 2104) of a short text. Node's own `createHmac` makes an object for each call that the garbage collector has to
 * finalize: with three a job, this took a tenth of our own code's CPU.
 */
import { hash } from 'node:crypto';

/** Of SHA-256, in bytes. */
const BLOCK = 64;
const DIGEST = 32;

export function keyedHash(secret: string | Buffer, text: string, encoding: 'hex' | 'base64url'): string {
  const given = Buffer.from(secret);
  const key = given.length > BLOCK ? hash('sha256', given, 'buffer') : given;
  const inner = Buffer.alloc(BLOCK + Buffer.byteLength(text), 0x36);
  const outer = Buffer.alloc(BLOCK + DIGEST, 0x5c);
  for (const [at, byte] of key.entries()) {
    inner[at] = byte ^ 0x36;
    outer[at] = byte ^ 0x5c;
  }
  inner.write(text, BLOCK);
  outer.write(hash('sha256', inner, 'binary'), BLOCK, 'binary');
  return hash('sha256', outer, encoding);
}
