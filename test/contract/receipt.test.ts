import { createPrivateKey, createPublicKey } from 'node:crypto';
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import {
  type Statement,
  GENESIS,
  Receipt,
  hashOf,
  isSignedBy,
  keyIdOf,
  pseudonymOf,
  signReceipt,
} from '../../src/contract/receipt.ts';
import { newKey, statement } from '../receipts/deletions.ts';

/** The first test key of RFC 8032, so that what is expected below stays the same. */
const privateKey = createPrivateKey({
  key: Buffer.from(
    '302e020100300506032b6570042204209d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
    'hex',
  ),
  format: 'der',
  type: 'pkcs8',
});
const key = { privateKey, keyId: keyIdOf(privateKey) };
const publicKey = createPublicKey(privateKey);

const text = fc.string({ minLength: 1, unit: 'binary' });
const time = fc
  .date({ noInvalidDate: true, min: new Date(0), max: new Date('9999-12-31T23:59:59.999Z') })
  .map((date) => date.toISOString());
const hash = fc.stringMatching(/^[0-9a-f]{64}$/);
const required = {
  version: fc.constant(1 as const),
  instance: text,
  instanceId: text,
  sequence: fc.integer({ min: 1 }),
  previous: hash,
  jobId: text,
  requestedAt: time,
  existed: fc.boolean(),
  verified: fc.boolean(),
};
const optional = {
  correlationId: fc.string(),
  userId: fc.uuid(),
  pseudonym: fc.stringMatching(/^[\w-]{43}$/),
  scheduledFor: time,
  executedAt: time,
  confirmedAt: time,
};
const statements: fc.Arbitrary<Statement> = fc.record(
  { ...required, ...optional },
  {
    requiredKeys: [
      'version',
      'instance',
      'instanceId',
      'sequence',
      'previous',
      'jobId',
      'requestedAt',
      'existed',
      'verified',
    ],
  },
);

describe('a receipt', () => {
  test.prop([statements])('is the same before and after it has been JSON', (statement) => {
    const receipt = signReceipt(statement, key);
    expect(Receipt.parse(JSON.parse(JSON.stringify(receipt)))).toEqual(receipt);
    expect(receipt).toMatchObject(statement);
  });

  test.prop([statements, statements])('has another hash where it says anything else', (one, other) => {
    for (const name of Object.keys({ ...required, ...optional }) as (keyof Statement)[]) {
      const changed = { ...one, [name]: other[name] };
      const isSame = one[name] === other[name];
      expect(hashOf(changed) === hashOf(one)).toBe(isSame);
    }
  });

  test.prop([statements])('has the hash of its names in order, whatever order they come in', (statement) => {
    const reversed = Object.fromEntries(Object.entries(statement).toReversed()) as Statement;
    expect(signReceipt(reversed, key)).toEqual(signReceipt(statement, key));
  });

  test.prop([statements])('is signed by its key, and by no other', (statement) => {
    const receipt = signReceipt(statement, key);
    expect(isSignedBy(receipt, publicKey)).toBe(true);
    expect(isSignedBy(receipt, createPublicKey(newKey().privateKey))).toBe(false);
    const other = signReceipt({ ...statement, sequence: statement.sequence + 1 }, key);
    expect(isSignedBy({ ...receipt, hash: other.hash }, publicKey)).toBe(false);
  });

  it('is written in one order, and keeps its hash and signature from version to version', () => {
    const receipt = signReceipt(statement, key);
    expect(Object.keys(receipt)).toEqual(Object.keys(Receipt.shape).filter((name) => name in receipt));
    expect(receipt).toMatchObject({
      keyId: '06e3fd8fda29bb60',
      hash: 'f088f2cc6fa2459cb3dc509c439ff320ed771c2ac1ad8811e2b23e3d0612ac1c',
      signature: 'Xbj7QB7rGXAeLvbAK1-7bab6NWtDRh-WHCYmi-2Aiy4cnQmfIzATF0-erqGYJwQYoc58ipQXg1ePrMWvbs8YCw',
    });
  });

  it('without a key is chained, and has neither key nor signature', () => {
    const receipt = signReceipt(statement);
    expect(receipt).not.toHaveProperty('signature');
    expect(receipt).not.toHaveProperty('keyId');
    expect(receipt.hash).toBe(hashOf(statement));
  });

  it('without a signature is signed by nobody', () => {
    expect(isSignedBy(signReceipt(statement), publicKey)).toBe(false);
  });

  it('leaves out what is undefined', () => {
    expect(signReceipt({ ...statement, correlationId: undefined }, key)).toEqual(signReceipt(statement, key));
    expect(signReceipt({ ...statement, correlationId: undefined }, key)).not.toHaveProperty('correlationId');
  });

  it.each([
    ['a name that no version knows', { reason: 'moved away' }],
    ['another version', { version: 2 }],
    ['a time in another zone', { requestedAt: '2026-01-02T03:04:05.678+01:00' }],
    ['a time without milliseconds', { requestedAt: '2026-01-02T03:04:05Z' }],
    ['a sequence that is none', { sequence: 0 }],
    ['a previous hash in capitals', { previous: 'A'.repeat(64) }],
    ['a previous hash that is cut off', { previous: GENESIS.slice(1) }],
  ])('is refused with %s', (_what, change) => {
    const receipt = signReceipt(statement, key);
    expect(Receipt.safeParse(receipt).success).toBe(true);
    expect(Receipt.safeParse({ ...receipt, ...change }).success).toBe(false);
  });

  it('has one spelling of its signature', () => {
    const receipt = signReceipt(statement, key);
    const { signature = '' } = receipt;
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const twins = alphabet
      .split('')
      .map((last) => signature.slice(0, -1) + last)
      .filter((twin) => Buffer.from(twin, 'base64url').equals(Buffer.from(signature, 'base64url')));
    expect(twins).toHaveLength(16);
    const taken = twins.filter((twin) => Receipt.safeParse({ ...receipt, signature: twin }).success);
    expect(taken).toEqual([signature]);
  });
});

describe('a key id', () => {
  it('is the same of both halves', () => {
    expect(keyIdOf(publicKey)).toBe(keyIdOf(privateKey));
    expect(keyIdOf(publicKey)).not.toBe(newKey().keyId);
  });
});

describe('a pseudonym', () => {
  const instance = { id: 'an-id', secret: 'a secret' };

  it('is the same for the same clientId, however the instance id is written', () => {
    expect(pseudonymOf('ada', instance)).toBe(pseudonymOf('ada', { ...instance, id: 'AN-ID' }));
    expect(Receipt.shape.pseudonym.safeParse(pseudonymOf('ada', instance)).success).toBe(true);
  });

  test.prop([fc.string(), fc.string()])('differs between clientIds', (a, b) => {
    expect(pseudonymOf(a, instance) === pseudonymOf(b, instance)).toBe(a === b);
  });

  it('differs between instances and between secrets', () => {
    const pseudonyms = [
      pseudonymOf('ada', instance),
      pseudonymOf('ada', { ...instance, id: 'another' }),
      pseudonymOf('ada', { ...instance, secret: 'another' }),
    ];
    expect(new Set(pseudonyms).size).toBe(3);
  });
});
