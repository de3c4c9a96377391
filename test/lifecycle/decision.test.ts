import { expect, it } from 'vitest';
import { DEFAULT_RETRY_POLICY } from '../../src/lifecycle/retry-policy.ts';
import { later } from '../../src/lifecycle/decision.ts';

it.each([
  [0, 1000],
  [0.5, 1125],
  [0.99, 1247],
])('a wait of a second is never shorter, and at most a quarter longer (%s)', (random, delayMs) => {
  const outcome = { status: 'wait', reason: 'x', delayMs: 1000 } as const;
  expect(later(outcome, 1, DEFAULT_RETRY_POLICY, random)).toEqual({
    next: 'wait',
    outcome,
    reason: 'x',
    delayMs,
  });
});
