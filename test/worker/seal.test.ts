import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { SEALED, createSeal } from '../../src/worker/seal.ts';

const sealOf = (secrets: Record<string, string>) =>
  createSeal(new Map(Object.entries(secrets).map(([name, secret]) => [name, { secret }])));

describe('a sealed text', () => {
  test.prop([fc.string({ unit: 'binary' }), fc.string()])(
    'is opened as it was, whatever the instance it names',
    (text, instance) => {
      const seal = sealOf({ default: 'a secret', other: 'another' });
      const sealed = seal.seal(text, instance);
      expect(sealed).toMatch(SEALED);
      expect(seal.open(sealed)).toBe(text);
    },
  );

  it('is another one each time', () => {
    const seal = sealOf({ default: 'a secret' });
    expect(seal.seal('text', 'default')).not.toBe(seal.seal('text', 'default'));
  });

  it('is opened by the secret of its instance alone', () => {
    const sealed = sealOf({ default: 'a secret', other: 'another' }).seal('text', 'other');
    expect(sealOf({ default: 'another' }).open(sealed)).toBe('text');
    expect(sealOf({ default: 'a secret' }).open(sealed)).toBeUndefined();
  });

  it('of an instance that is configured only later is opened all the same', () => {
    const sealed = sealOf({ first: 'a secret' }).seal('text', 'later');
    expect(sealOf({ later: 'another', first: 'a secret' }).open(sealed)).toBe('text');
  });

  it('that was changed, cut off or made up is not opened', () => {
    const seal = sealOf({ default: 'a secret' });
    const sealed = seal.seal('text', 'default');
    const other = sealed.endsWith('AAAA') ? 'BBBB' : 'AAAA';
    for (const foreign of [sealed.slice(0, -4) + other, sealed.slice(0, -4), `1.${'A'.repeat(48)}`, '1.']) {
      expect(seal.open(foreign)).toBeUndefined();
    }
  });
});

it('nothing is sealed while no instance is configured', () => {
  expect(() => sealOf({}).seal('text', 'default')).toThrow('no instance is configured');
});
