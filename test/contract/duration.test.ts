import { describe, expect, it } from 'vitest';
import { durationMsOf, durationText, instantMsOf } from '../../src/contract/duration.ts';

describe('a span of time', () => {
  it.each([
    ['250ms', 250],
    ['90s', 90_000],
    ['30m', 1_800_000],
    ['1.5h', 5_400_000],
    [' 7d ', 604_800_000],
    ['1w', 604_800_000],
    ['0s', 0],
  ])('%j is %i ms', (text, ms) => expect(durationMsOf(text)).toBe(ms));

  it.each(['', '7', 'd', '-1d', '1 d', '1d2h', '1e3s', '7D', '1y'])('is not %j', (text) =>
    expect(durationMsOf(text)).toBeUndefined(),
  );

  it.each([
    [-5, '0s'],
    [0, '0s'],
    [999, '0s'],
    [1000, '1s'],
    [59_999, '59s'],
    [60_000, '1m'],
    [3_599_999, '59m'],
    [3_600_000, '1h'],
    [7_199_999, '1h'],
    [86_400_000, '1d'],
    [86_400_000 * 12.9, '12d'],
  ])('of %i ms reads %s', (ms, text) => expect(durationText(ms)).toBe(text));
});

describe('a point in time', () => {
  it('is read with its zone', () => {
    expect(instantMsOf('2027-01-31T12:00:00Z')).toBe(Date.UTC(2027, 0, 31, 12));
    expect(instantMsOf(' 2027-01-31T12:00:00.5+01:00')).toBe(Date.UTC(2027, 0, 31, 11, 0, 0, 500));
  });

  it.each(['', 'tomorrow', '2027-01-31', '2027-01-31T12:00:00', '2027-02-30T12:00:00Z', '1795457391981'])(
    'is not %j',
    (text) => expect(instantMsOf(text)).toBeUndefined(),
  );
});
