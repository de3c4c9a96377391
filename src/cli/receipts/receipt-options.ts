/**
 * The options of `receipts verify` that need parsing.
 */
import type { KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { InvalidArgumentError } from 'commander';
import type { Head } from '../../receipts/chains.ts';
import { publicKeyIn } from '../../receipts/keys.ts';

export function parsePublicKey(file: string, before: KeyObject[] = []): KeyObject[] {
  let pem: string;
  try {
    pem = readFileSync(file, 'utf8');
  } catch {
    throw new InvalidArgumentError('cannot be read.');
  }
  const key = publicKeyIn(pem);
  if (key === undefined) throw new InvalidArgumentError('is not an Ed25519 public key in PEM.');
  return [...before, key];
}

export function parseHead(text: string, before: Head[] = []): Head[] {
  const { instance, hash } = /^(?<instance>.+)=(?<hash>[0-9a-f]{64})$/.exec(text)?.groups ?? {};
  if (instance === undefined || hash === undefined) {
    throw new InvalidArgumentError('must be the name of an instance, = and a hash of 64 hex digits.');
  }
  return [...before, { instance, hash }];
}
