import { describe, expect, it } from 'vitest';
import { parseDurationMs } from '../../src/cli/duration.ts';
import { durationText } from '../../src/contract/duration.ts';

describe('a span of time', () => {
  it.each([
    ['250ms', 250],
    ['90s', 90_000],
    ['30m', 1_800_000],
    ['1.5h', 5_400_000],
    [' 7d ', 604_800_000],
    ['1w', 604_800_000],
    ['0s', 0],
  ])('%j is %i ms', (text, ms) => expect(parseDurationMs(text)).toBe(ms));

  it.each(['', '7', 'd', '-1d', '1 d', '1d2h', '1e3s', '7D', '1y'])('is not %j', (text) =>
    expect(() => parseDurationMs(text)).toThrow('a number and a unit'),
  );

  it.each([
    [-5, '0s'],
    [999, '0s'],
    [59_999, '59s'],
    [60_000, '1m'],
    [7_199_999, '1h'],
    [86_400_000 * 12, '12d'],
  ])('of %i ms reads %s', (ms, text) => expect(durationText(ms)).toBe(text));
});
