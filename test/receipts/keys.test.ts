import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { keyIdOf } from '../../src/contract/receipt.ts';
import { publicKeyIn, signingKeyIn } from '../../src/receipts/keys.ts';

const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const ofOtherKind = generateKeyPairSync('x25519');
const privatePem = (key = privateKey) => key.export({ type: 'pkcs8', format: 'pem' }).toString();
const publicPem = (key = publicKey) => key.export({ type: 'spki', format: 'pem' }).toString();

describe('a signing key', () => {
  it('is read with the id by which receipts name it', () => {
    const key = signingKeyIn(privatePem());
    expect(key?.privateKey.equals(privateKey)).toBe(true);
    expect(key?.keyId).toBe(keyIdOf(publicKey));
  });

  it.each([
    ['no key', 'secret'],
    ['a public key', publicPem()],
    ['a key of another kind', privatePem(ofOtherKind.privateKey)],
  ])('is not read from %s', (_what, pem) => {
    expect(signingKeyIn(pem)).toBeUndefined();
  });
});

describe('a public key', () => {
  it.each([
    ['by itself', publicPem()],
    ['with its private half', privatePem()],
  ])('is read %s', (_how, pem) => {
    const key = publicKeyIn(pem);
    expect(key?.type).toBe('public');
    expect(key?.equals(createPublicKey(privateKey))).toBe(true);
  });

  it.each([
    ['no key', 'secret'],
    ['a key of another kind', publicPem(ofOtherKind.publicKey)],
  ])('is not read from %s', (_what, pem) => {
    expect(publicKeyIn(pem)).toBeUndefined();
  });
});
