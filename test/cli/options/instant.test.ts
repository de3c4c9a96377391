import { expect, it } from 'vitest';
import { parseInstantMs } from '../../../src/cli/options/instant.ts';

it('a time with a zone is read as that moment', () => {
  expect(parseInstantMs('2027-01-31T12:00:00Z')).toBe(Date.UTC(2027, 0, 31, 12));
  expect(parseInstantMs(' 2027-01-31T12:00:00.5+01:00')).toBe(Date.UTC(2027, 0, 31, 11, 0, 0, 500));
});

it.each(['', 'tomorrow', '2027-01-31', '2027-01-31T12:00:00', '2027-02-30T12:00:00Z', '1795457391981'])(
  '%j is refused',
  (text) => {
    expect(() => parseInstantMs(text)).toThrow('ISO 8601');
  },
);
