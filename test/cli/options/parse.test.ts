import { describe, expect, it } from 'vitest';
import { parseDurationMs, parseInstantMs, parsePastMs, wholeNumber } from '../../../src/cli/options/parse.ts';

describe('the value of an option', () => {
  it('is a span of time with its unit', () => {
    expect(['90s', '1.5h', '7d'].map(parseDurationMs)).toEqual([90_000, 5_400_000, 604_800_000]);
    for (const text of ['', '90', 's', '-1s']) {
      expect(() => parseDurationMs(text)).toThrow('a number and a unit');
    }
  });

  it('is a point in time with its zone, or one that has been', () => {
    expect(parseInstantMs('2027-01-31T12:00:00+01:00')).toBe(Date.UTC(2027, 0, 31, 11));
    expect(() => parseInstantMs('2027-01-31T12:00:00')).toThrow('ISO 8601 with a zone');
    expect(parsePastMs(new Date().toISOString())).toBeLessThanOrEqual(Date.now());
    expect(() => parsePastMs(new Date(Date.now() + 3_600_000).toISOString())).toThrow('in the future');
  });

  it('is a whole number within its bounds', () => {
    expect(wholeNumber()('0')).toBe(0);
    for (const text of ['', '-1', '1.5', '1e3', '99999999999999999']) {
      expect(() => wholeNumber()(text)).toThrow('must be a whole number, 0 or more');
    }
    expect(wholeNumber(1, 3)('3')).toBe(3);
    for (const text of ['0', '4']) expect(() => wholeNumber(1, 3)(text)).toThrow('1 to 3');
  });
});
