import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { ENCRYPTED, createJobCipher } from '../../src/lifecycle/encryption.ts';

const cipherOf = (secrets: Record<string, string>) =>
  createJobCipher(new Map(Object.entries(secrets).map(([name, secret]) => [name, { secret }])));

const JOB = '4711';

describe('a encrypted text', () => {
  test.prop([fc.string({ unit: 'binary' }), fc.string(), fc.string()])(
    'is opened as it was, whatever the instance it names',
    (text, instance, jobId) => {
      const cipher = cipherOf({ default: 'a secret', other: 'another' });
      const encrypted = cipher.encrypt(jobId, text, instance);
      expect(encrypted).toMatch(ENCRYPTED);
      expect(cipher.decrypt(jobId, encrypted)).toEqual({ text });
    },
  );

  it('is another one each time', () => {
    const cipher = cipherOf({ default: 'a secret' });
    expect(cipher.encrypt(JOB, 'text', 'default')).not.toBe(cipher.encrypt(JOB, 'text', 'default'));
  });

  it('is opened by the secret of its instance alone', () => {
    const encrypted = cipherOf({ default: 'a secret', other: 'another' }).encrypt(JOB, 'text', 'other');
    expect(cipherOf({ default: 'another' }).decrypt(JOB, encrypted)).toEqual({ text: 'text' });
    expect(cipherOf({ default: 'a secret' }).decrypt(JOB, encrypted)).toBeUndefined();
  });

  it('of an instance that is configured only later is opened all the same', () => {
    const encrypted = cipherOf({ first: 'a secret' }).encrypt(JOB, 'text', 'later');
    expect(cipherOf({ later: 'another', first: 'a secret' }).decrypt(JOB, encrypted)).toEqual({
      text: 'text',
    });
  });

  it('that was changed, cut off or made up is not opened', () => {
    const cipher = cipherOf({ default: 'a secret' });
    const encrypted = cipher.encrypt(JOB, 'text', 'default');
    const other = encrypted.endsWith('AAAA') ? 'BBBB' : 'AAAA';
    const proof = encrypted.split('.')[1] ?? '';
    for (const foreign of [
      encrypted.slice(0, -4) + other,
      encrypted.slice(0, -4),
      `1.${proof}.${'A'.repeat(48)}`,
      `1.${'A'.repeat(16)}.`,
      '1.',
    ]) {
      expect(cipher.decrypt(JOB, foreign)).toBeUndefined();
    }
  });

  it('is erased where its proof alone is left, and of no other job', () => {
    const cipher = cipherOf({ default: 'a secret' });
    const encrypted = cipher.encrypt(JOB, 'text', 'default');
    const erased = encrypted.replace(/[^.]*$/, '');
    expect(erased).toMatch(ENCRYPTED);
    expect([
      cipher.decrypt(JOB, erased),
      cipher.decrypt('another', erased),
      cipher.decrypt('another', encrypted),
    ]).toEqual(['erased', undefined, undefined]);
  });
});

describe('a proof', () => {
  test.prop([fc.string(), fc.string(), fc.string()])(
    'is one of its text in its job, whatever the instance it names',
    (text, instance, jobId) => {
      const cipher = cipherOf({ default: 'a secret', other: 'another' });
      const proof = cipher.prove(jobId, text, instance);
      expect(cipher.isProven(jobId, text, proof)).toBe(true);
      expect(cipher.isProven(jobId, `${text}.`, proof)).toBe(false);
      expect(cipher.isProven(`${jobId}.`, text, proof)).toBe(false);
    },
  );

  it('is one by any secret that is configured, and by no other', () => {
    const proof = cipherOf({ default: 'a secret', other: 'another' }).prove(JOB, 'text', 'other');
    expect(cipherOf({ later: 'a third', first: 'another' }).isProven(JOB, 'text', proof)).toBe(true);
    expect(cipherOf({ default: 'a secret' }).isProven(JOB, 'text', proof)).toBe(false);
  });

  it('that was changed, cut off or made up is none', () => {
    const cipher = cipherOf({ default: 'a secret' });
    const proof = cipher.prove(JOB, 'text', 'default');
    const other = proof.endsWith('AAAA') ? 'BBBB' : 'AAAA';
    for (const foreign of ['', proof.slice(0, -4), proof.slice(0, -4) + other, `${proof}AAAA`])
      expect(cipher.isProven(JOB, 'text', foreign)).toBe(false);
  });

  it('that a job is encrypted is none of anything that it says', () => {
    const cipher = cipherOf({ default: 'a secret' });
    const [, encrypted = ''] = cipher.encrypt(JOB, 'text', 'default').split('.');
    for (const text of ['', 'text']) expect(cipher.isProven(JOB, text, encrypted)).toBe(false);
  });
});

it('nothing is encrypted while no instance is configured', () => {
  expect(() => cipherOf({}).encrypt(JOB, 'text', 'default')).toThrow('no instance is configured');
});
