import { expect, it } from 'vitest';
import { parseDurationMs } from '../../../src/cli/options/duration-option.ts';

it('a span of time is read in milliseconds', () => {
  expect(parseDurationMs('250ms')).toBe(250);
  expect(parseDurationMs(' 1.5h ')).toBe(5_400_000);
});

it.each(['', '7', '-1d', '1y'])('%j is refused as no span of time', (text) => {
  expect(() => parseDurationMs(text)).toThrow('a number and a unit');
});
