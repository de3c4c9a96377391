import { expect, it } from 'vitest';
import { createFaultLog } from '../../src/ops/fault-log.ts';

it('writes each fault at once, and the same one again after a minute, with the number of omitted ones', () => {
  let nowMs = 0;
  const told: unknown[] = [];
  const fault = createFaultLog<{ reason: string }>(
    ({ reason }, leftOut) => told.push([nowMs, reason, leftOut]),
    () => nowMs,
  );
  for (; nowMs <= 120_000; nowMs += 1000) {
    fault({ reason: 'OOM' });
    fault({ reason: 'OOM' });
    if (nowMs === 30_000) fault({ reason: 'READONLY' });
  }
  expect(told).toEqual([
    [0, 'OOM', 0],
    [30_000, 'READONLY', 0],
    [60_000, 'OOM', 119],
    [120_000, 'OOM', 119],
  ]);
});
