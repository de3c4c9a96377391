import { expect, it } from 'vitest';
import { createMetrics } from '../../src/ops/metrics.ts';

const valuesOf = async (metrics: { read(): Promise<string> }) =>
  (await metrics.read()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));

it('the metrics tell what is known, and leave out what is not', async () => {
  const known = createMetrics({
    gates: async () => [
      { gate: 'damoov', held: 0 },
      { gate: 'admin', held: 7, shutSince: 1, probeAt: 2, reason: 'no' },
    ],
    logins: async () => ({ left: 3 }),
    rate: async () => ({ ratePerS: 45.5 }),
  });
  expect(await valuesOf(known)).toEqual([
    'damoov_users_gate_shut{gate="damoov"} 0',
    'damoov_users_gate_shut{gate="admin"} 1',
    'damoov_users_gate_held_jobs{gate="damoov"} 0',
    'damoov_users_gate_held_jobs{gate="admin"} 7',
    'damoov_users_logins_left 3',
    'damoov_users_login_barred_seconds 0',
    'damoov_users_requests_per_second_limit 45.5',
    'damoov_users_requests_paused_seconds 0',
  ]);
  const away = async () => {
    throw new Error('Redis is away');
  };
  expect(await valuesOf(createMetrics({ gates: away, logins: away, rate: away }))).toEqual([]);
});
