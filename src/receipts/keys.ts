/**
 * Reads the keys of receipts from PEM text. A refusal never repeats the text: it may be a private key.
 */
import { type KeyObject, createPrivateKey, createPublicKey } from 'node:crypto';
import { type SigningKey, keyIdOf } from '../contract/receipt.ts';

/** The Ed25519 private key in PEM text (PKCS#8, not encrypted), or undefined if there is none. */
export function signingKeyIn(pem: string): SigningKey | undefined {
  const privateKey = ed25519(() => createPrivateKey(pem));
  return privateKey && { privateKey, keyId: keyIdOf(privateKey) };
}

/** The Ed25519 public key in PEM text, or of a private key in it; undefined if there is none. */
export function publicKeyIn(pem: string): KeyObject | undefined {
  return ed25519(() => createPublicKey(pem));
}

function ed25519(read: () => KeyObject): KeyObject | undefined {
  try {
    const key = read();
    return key.asymmetricKeyType === 'ed25519' ? key : undefined;
  } catch {
    return undefined;
  }
}
