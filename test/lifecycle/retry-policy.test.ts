import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { type RetryPolicy, DEFAULT_RETRY_POLICY, retryDelayMs } from '../../src/lifecycle/retry-policy.ts';

const policy: fc.Arbitrary<RetryPolicy> = fc
  .tuple(
    fc.integer({ min: 1, max: 50 }),
    fc.integer({ min: 1, max: 10_000 }),
    fc.integer({ min: 0, max: 1_000_000 }),
  )
  .map(([attempts, baseMs, more]) => ({ attempts, baseMs, maxMs: baseMs + more }));
const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const attempt = fc.integer({ min: 1, max: 2000 });

describe('the delay before the next attempt', () => {
  it('is at most 1 s, 2 s, 4 s … and never above 10 min by default', () => {
    const longest = (attempt: number) => retryDelayMs(DEFAULT_RETRY_POLICY, attempt, 0, 1);
    expect([1, 2, 3, 10, 11, 14].map(longest)).toEqual([1000, 2000, 4000, 512_000, 600_000, 600_000]);
  });

  test.prop([policy, attempt, random])(
    'lies between nothing and the longest of the policy',
    (policy, attempt, random) => {
      const delayMs = retryDelayMs(policy, attempt, 0, random);
      expect(delayMs).toBeGreaterThanOrEqual(0);
      expect(delayMs).toBeLessThanOrEqual(policy.maxMs);
      expect(Number.isInteger(delayMs)).toBe(true);
    },
  );

  test.prop([policy, attempt, random, fc.nat({ max: 3_600_000 })])(
    'is never below what the other side asked for, and spreads above it',
    (policy, attempt, random, floorMs) => {
      const delayMs = retryDelayMs(policy, attempt, floorMs, random);
      expect(delayMs).toBeGreaterThanOrEqual(floorMs);
      expect(delayMs - floorMs).toBe(retryDelayMs(policy, attempt, 0, random));
    },
  );

  test.prop([policy, attempt, random])(
    'grows with the attempts for the same draw',
    (policy, attempt, random) => {
      expect(retryDelayMs(policy, attempt + 1, 0, random)).toBeGreaterThanOrEqual(
        retryDelayMs(policy, attempt, 0, random),
      );
    },
  );

  it('heeds a wish for more than an hour as one for an hour', () => {
    expect(retryDelayMs(DEFAULT_RETRY_POLICY, 1, 3_600_001, 0)).toBe(3_600_000);
    expect(retryDelayMs(DEFAULT_RETRY_POLICY, 1, Number.MAX_SAFE_INTEGER, 0)).toBe(3_600_000);
  });

  it('is spread over its whole range', () => {
    const draws = Array.from({ length: 2000 }, () => retryDelayMs(DEFAULT_RETRY_POLICY, 5));
    const quarters = new Set(draws.map((delayMs) => Math.min(3, Math.floor(delayMs / 4000))));
    expect(quarters).toEqual(new Set([0, 1, 2, 3]));
  });
});
