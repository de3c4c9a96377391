import { expect, it } from 'vitest';
import { timeFault } from '../../src/contract/timestamp-fault.ts';

const NOW = Date.parse('2027-01-31T12:00:00Z');
const HOUR_MS = 3_600_000;
const FIRST_MS = Date.parse('2000-01-01T00:00:00Z');

it.each([
  [NOW, undefined],
  [NOW + HOUR_MS, undefined],
  [NOW + HOUR_MS + 1, 'is more than an hour ahead'],
  [FIRST_MS, undefined],
  [FIRST_MS - 1, 'is before the year 2000'],
  [NOW / 1000, 'is before the year 2000: it looks like seconds instead of milliseconds'],
  [NOW * 1000, 'is more than an hour ahead: it looks like microseconds instead of milliseconds'],
  [Number.NaN, 'is not a time: it must be in milliseconds since 1970'],
  [Infinity, 'is not a time: it must be in milliseconds since 1970'],
])('the fault of the time %d is %j', (ms, fault) => {
  expect(timeFault(ms, NOW)).toBe(fault);
});
