import { createHmac } from 'node:crypto';
import { fc, it } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { keyedHash } from '../../src/contract/keyed-hash.ts';

describe('the keyed hash', () => {
  it.prop([
    fc.oneof(fc.string({ unit: 'binary', maxLength: 200 }), fc.constantFrom('a'.repeat(64), 'a'.repeat(65))),
    fc.string({ unit: 'binary', maxLength: 300 }),
    fc.constantFrom('hex' as const, 'base64url' as const),
  ])('is HMAC-SHA256, whatever the secret and the text', (secret, text, encoding) => {
    const hmac = createHmac('sha256', secret).update(text).digest(encoding);
    expect(keyedHash(secret, text, encoding)).toBe(hmac);
    expect(keyedHash(Buffer.from(secret), text, encoding)).toBe(hmac);
  });
});
