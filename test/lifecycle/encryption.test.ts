import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { SEALED, createSeal } from '../../src/lifecycle/encryption.ts';

const sealOf = (secrets: Record<string, string>) =>
  createSeal(new Map(Object.entries(secrets).map(([name, secret]) => [name, { secret }])));

const JOB = '4711';

describe('a sealed text', () => {
  test.prop([fc.string({ unit: 'binary' }), fc.string(), fc.string()])(
    'is opened as it was, whatever the instance it names',
    (text, instance, jobId) => {
      const seal = sealOf({ default: 'a secret', other: 'another' });
      const sealed = seal.seal(jobId, text, instance);
      expect(sealed).toMatch(SEALED);
      expect(seal.open(jobId, sealed)).toEqual({ text });
    },
  );

  it('is another one each time', () => {
    const seal = sealOf({ default: 'a secret' });
    expect(seal.seal(JOB, 'text', 'default')).not.toBe(seal.seal(JOB, 'text', 'default'));
  });

  it('is opened by the secret of its instance alone', () => {
    const sealed = sealOf({ default: 'a secret', other: 'another' }).seal(JOB, 'text', 'other');
    expect(sealOf({ default: 'another' }).open(JOB, sealed)).toEqual({ text: 'text' });
    expect(sealOf({ default: 'a secret' }).open(JOB, sealed)).toBeUndefined();
  });

  it('of an instance that is configured only later is opened all the same', () => {
    const sealed = sealOf({ first: 'a secret' }).seal(JOB, 'text', 'later');
    expect(sealOf({ later: 'another', first: 'a secret' }).open(JOB, sealed)).toEqual({ text: 'text' });
  });

  it('that was changed, cut off or made up is not opened', () => {
    const seal = sealOf({ default: 'a secret' });
    const sealed = seal.seal(JOB, 'text', 'default');
    const other = sealed.endsWith('AAAA') ? 'BBBB' : 'AAAA';
    const proof = sealed.split('.')[1] ?? '';
    for (const foreign of [
      sealed.slice(0, -4) + other,
      sealed.slice(0, -4),
      `1.${proof}.${'A'.repeat(48)}`,
      `1.${'A'.repeat(16)}.`,
      '1.',
    ]) {
      expect(seal.open(JOB, foreign)).toBeUndefined();
    }
  });

  it('is erased where its proof alone is left, and of no other job', () => {
    const seal = sealOf({ default: 'a secret' });
    const sealed = seal.seal(JOB, 'text', 'default');
    const erased = sealed.replace(/[^.]*$/, '');
    expect(erased).toMatch(SEALED);
    expect([seal.open(JOB, erased), seal.open('another', erased), seal.open('another', sealed)]).toEqual([
      'erased',
      undefined,
      undefined,
    ]);
  });
});

describe('a proof', () => {
  test.prop([fc.string(), fc.string(), fc.string()])(
    'is one of its text in its job, whatever the instance it names',
    (text, instance, jobId) => {
      const seal = sealOf({ default: 'a secret', other: 'another' });
      const proof = seal.prove(jobId, text, instance);
      expect(seal.isProven(jobId, text, proof)).toBe(true);
      expect(seal.isProven(jobId, `${text}.`, proof)).toBe(false);
      expect(seal.isProven(`${jobId}.`, text, proof)).toBe(false);
    },
  );

  it('is one by any secret that is configured, and by no other', () => {
    const proof = sealOf({ default: 'a secret', other: 'another' }).prove(JOB, 'text', 'other');
    expect(sealOf({ later: 'a third', first: 'another' }).isProven(JOB, 'text', proof)).toBe(true);
    expect(sealOf({ default: 'a secret' }).isProven(JOB, 'text', proof)).toBe(false);
  });

  it('that was changed, cut off or made up is none', () => {
    const seal = sealOf({ default: 'a secret' });
    const proof = seal.prove(JOB, 'text', 'default');
    const other = proof.endsWith('AAAA') ? 'BBBB' : 'AAAA';
    for (const foreign of ['', proof.slice(0, -4), proof.slice(0, -4) + other, `${proof}AAAA`])
      expect(seal.isProven(JOB, 'text', foreign)).toBe(false);
  });

  it('that a job is sealed is none of anything that it says', () => {
    const seal = sealOf({ default: 'a secret' });
    const [, sealed = ''] = seal.seal(JOB, 'text', 'default').split('.');
    for (const text of ['', 'text']) expect(seal.isProven(JOB, text, sealed)).toBe(false);
  });
});

it('nothing is sealed while no instance is configured', () => {
  expect(() => sealOf({}).seal(JOB, 'text', 'default')).toThrow('no instance is configured');
});
