import { describe, expect, it } from 'vitest';
import {
  durationMsOf,
  durationText,
  instantMsOf,
  instantText,
  spanInWords,
} from '../../src/contract/duration.ts';

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

  it.each([
    [-5, '0 seconds'],
    [400, '0 seconds'],
    [1000, '1 second'],
    [59_999, '1 minute'],
    [90_000, '1 minute 30 seconds'],
    [7_199_999, '2 hours'],
    [86_400_000, '1 day'],
    // A few milliseconds do not cost a day.
    [30 * 86_400_000 - 5, '30 days'],
    [29.5 * 86_400_000, '29 days 12 hours'],
    [8.9e15, '103,009,259 days 6 hours'],
  ])('ahead of %i ms reads %s in words', (ms, text) => expect(spanInWords(ms)).toBe(text));
});

describe('a point in time', () => {
  it('is read with its zone', () => {
    expect(instantMsOf('2027-01-31T12:00:00Z')).toBe(Date.UTC(2027, 0, 31, 12));
    expect(instantMsOf(' 2027-01-31T12:00:00.5+01:00')).toBe(Date.UTC(2027, 0, 31, 11, 0, 0, 500));
  });

  it.each([
    [0, '1970-01-01T00:00:00.000Z'],
    [-8.64e15, '-271821-04-20T00:00:00.000Z'],
    [8.64e15 + 1, undefined],
    [Infinity, undefined],
    [NaN, undefined],
  ])('of %d ms is written as %s', (ms, text) => expect(instantText(ms)).toBe(text));

  it.each(['', 'tomorrow', '2027-01-31', '2027-01-31T12:00:00', '2027-02-30T12:00:00Z', '1795457391981'])(
    'is not %j',
    (text) => expect(instantMsOf(text)).toBeUndefined(),
  );
});
