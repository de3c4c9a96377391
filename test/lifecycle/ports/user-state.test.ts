import { expect, it } from 'vitest';
import { StoredOutcome } from '../../../src/lifecycle/ports/user-state.ts';

it('what was kept of a settlement is read only if it says how the job ended', () => {
  const kept = { outcome: { status: 'superseded', by: 'deletion' }, attempts: 1, at: 2 };
  expect(StoredOutcome.parse(kept)).toEqual(kept);
  for (const outcome of [null, undefined, 'done', 1, {}])
    expect(StoredOutcome.safeParse({ ...kept, outcome }).success).toBe(false);
});
