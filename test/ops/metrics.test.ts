import { describe, expect, it } from 'vitest';
import type { FleetStatus } from '../../src/ops/fleet-status.ts';
import { createMetrics } from '../../src/ops/metrics.ts';
import { statusOf } from '../../src/ops/worker-metrics.ts';
import { createWorld } from '../support/world.ts';

const AT = 1_800_000_000_000;
const STATUS: FleetStatus = {
  at: AT,
  jobs: {
    queue: 'user-jobs',
    isPaused: false,
    waiting: 3,
    active: 2,
    delayed: 1_000_000,
    failed: 1,
    completed: 9,
    oldestSince: AT - 2500,
  },
  events: [{ queue: 'crm', waiting: 5, active: 1, delayed: 0, failed: 4, isPaused: false }],
  lastHour: [],
  circuits: [
    { circuit: 'damoov', held: 0 },
    { circuit: 'admin', held: 7, openSince: 1, probeAt: 2, reason: 'no' },
    { circuit: 'deletion-limit', held: 400, openSince: 1 },
  ],
  logins: { left: 3, barredUntil: AT + 60_000, revoked: 2 },
  rate: { ratePerS: 45.5 },
  deletions: { count: 900_000, nextDueAt: AT + 1000 },
};

/** Each a closed set, or names from the configuration. */
const LABELS = 'code circuit le next operation outcome queue state status type version'.split(' ');

const valuesIn = (text: string) => text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));

/** The metrics of the fleet, as opposed to the worker's. */
async function fleetValues(status: () => Promise<FleetStatus>): Promise<string[]> {
  const all = valuesIn(await createMetrics({ version: '1.2.3', status }).read());
  return all.slice(all.findIndex((line) => line.startsWith('damoov_users_redis_up')));
}

describe('the metrics', () => {
  it('show the state of the fleet', async () => {
    expect(await fleetValues(async () => STATUS)).toEqual([
      'damoov_users_redis_up 1',
      'damoov_users_jobs{state="waiting"} 3',
      'damoov_users_jobs{state="active"} 2',
      'damoov_users_jobs{state="delayed"} 1000000',
      'damoov_users_jobs{state="failed"} 1',
      'damoov_users_jobs{state="completed"} 9',
      'damoov_users_oldest_waiting_age_seconds 2.5',
      'damoov_users_queue_paused 0',
      'damoov_users_events_queue_jobs{queue="crm",state="waiting"} 5',
      'damoov_users_events_queue_jobs{queue="crm",state="active"} 1',
      'damoov_users_events_queue_jobs{queue="crm",state="delayed"} 0',
      'damoov_users_events_queue_jobs{queue="crm",state="failed"} 4',
      'damoov_users_circuit_open{circuit="damoov"} 0',
      'damoov_users_circuit_open{circuit="admin"} 1',
      'damoov_users_circuit_open{circuit="deletion-limit"} 1',
      'damoov_users_circuit_held_jobs{circuit="damoov"} 0',
      'damoov_users_circuit_held_jobs{circuit="admin"} 7',
      'damoov_users_circuit_held_jobs{circuit="deletion-limit"} 400',
      'damoov_users_logins_left 3',
      'damoov_users_login_barred_seconds 60',
      'damoov_users_sessions_revoked 2',
      'damoov_users_requests_per_second_limit 45.5',
      'damoov_users_requests_paused_seconds 0',
      'damoov_users_deletions_pending 900000',
      'damoov_users_deletions_held 400',
      'damoov_users_deletion_next_due_timestamp_seconds 1800000001',
    ]);
  });

  it('leave out what is not known, and say that Redis is away', async () => {
    const { logins: _logins, ...unrationed } = STATUS;
    const values = await fleetValues(async () => ({
      ...unrationed,
      rate: {},
      deletions: { count: 0 },
    }));
    for (const unknown of [
      'logins_left',
      'login_barred',
      'sessions_revoked',
      'per_second_limit',
      'next_due',
    ]) {
      expect(values.filter((line) => line.includes(unknown))).toEqual([]);
    }
    const away = async () => {
      throw new Error('Redis is away');
    };
    expect(await fleetValues(away)).toEqual(['damoov_users_redis_up 0']);
  });

  it('are read once for all who ask at the same time, and keep what they have counted', async () => {
    let reads = 0;
    const metrics = createMetrics({
      version: '1.2.3',
      status: async () => {
        reads += 1;
        return STATUS;
      },
    });
    metrics.count({ is: 'redis-lost' });
    const [one, another] = await Promise.all([metrics.read(), metrics.read()]);
    expect(reads).toBe(1);
    expect(another).toBe(one);
    const again = await metrics.read();
    expect(again).toBe(one);
    expect(again).toContain('damoov_users_redis_lost_total 1');
    expect(again).toContain('damoov_users_build_info{version="1.2.3"} 1');
  });

  it('count the failures that did not happen yet as 0, so that the first one is an increase', async () => {
    const text = await createMetrics({ version: '1', status: async () => STATUS }).read();
    expect(text).toContain(
      'damoov_users_jobs_settled_total{operation="create-user",outcome="failed",code="rejected"} 0',
    );
  });

  it('have a closed set of statuses, whatever Damoov answers', () => {
    expect(
      [
        { status: 200 },
        { status: 200, kind: 'malformed' as const },
        { status: 422, kind: 'rejected' as const },
        { status: 418 },
        { status: 599, kind: 'server' as const },
        { status: 123_456 },
        { status: -7 },
        { kind: 'timeout' as const },
        {},
      ].map(statusOf),
    ).toEqual(['200', 'malformed', '422', '4xx', '5xx', 'other', 'other', 'timeout', 'unknown']);
  });

  it('count the work of a worker: jobs, requests and events, without ids and user data', async () => {
    const world = await createWorld({ startsWorker: false });
    const app = await world.startWorker();
    const created = await world.run('create-user', { clientId: 'c-1', profile: { firstName: 'Ada' } });
    await world.run('create-user', { clientId: 'c-2', userId: 'none' });
    await world.run('update-user', {
      clientId: 'c-1',
      changes: { firstName: 'Bo' },
      occurredAt: '2020-01-01T00:00:00Z',
    });
    await world.run('delete-user', { clientId: 'c-1' });
    await world.run('c-3@example.test', { clientId: 'c-3' });
    const read = async () => valuesIn(await (await fetch(`${app.url}/metrics`)).text());
    // An event may arrive before its run is reported.
    await expect
      .poll(read)
      .toContain(
        'damoov_users_jobs_settled_total{operation="unknown",outcome="failed",code="invalid-job"} 1',
      );
    const values = await read();
    const of = (name: string) => values.filter((line) => line.startsWith(`damoov_users_${name}`));
    expect(of('jobs_settled_total').filter((line) => !line.endsWith(' 0'))).toEqual([
      'damoov_users_jobs_settled_total{operation="create-user",outcome="done",code=""} 1',
      'damoov_users_jobs_settled_total{operation="create-user",outcome="failed",code="invalid-job"} 1',
      'damoov_users_jobs_settled_total{operation="delete-user",outcome="done",code=""} 1',
      'damoov_users_jobs_settled_total{operation="update-user",outcome="superseded",code="newer values"} 1',
      'damoov_users_jobs_settled_total{operation="unknown",outcome="failed",code="invalid-job"} 1',
    ]);
    expect(of('events_published_total')).toEqual([
      'damoov_users_events_published_total{type="user.created"} 1',
      'damoov_users_events_published_total{type="user.updated"} 0',
      'damoov_users_events_published_total{type="user.deleted"} 1',
      'damoov_users_events_published_total{type="user.moved"} 0',
      'damoov_users_events_published_total{type="user.superseded"} 1',
      'damoov_users_events_published_total{type="user.failed"} 2',
    ]);
    const requests = (await world.requests()).reduce(
      (counts, { operation }) => counts.set(operation, (counts.get(operation) ?? 0) + 1),
      new Map<string, number>(),
    );
    for (const [operation, count] of requests) {
      expect(of('damoov_request_duration_seconds_count')).toContain(
        `damoov_users_damoov_request_duration_seconds_count{operation="${operation}",status="200"} ${count}`,
      );
    }
    expect(of('job_duration_seconds_count')).toContain(
      'damoov_users_job_duration_seconds_count{operation="create-user",outcome="done"} 1',
    );
    expect(of('due_to_settled_duration_seconds_bucket')).toContain(
      'damoov_users_due_to_settled_duration_seconds_bucket{le="60",operation="create-user"} 2',
    );
    const labels = new Set(values.flatMap((line) => [...line.matchAll(/(\w+)="/g)].map(([, name]) => name)));
    expect(labels).toEqual(new Set(LABELS));
    for (const personal of ['Ada', 'c-1', 'c-3', 'example', created.data.userId ?? '']) {
      expect(values.filter((line) => line.includes(personal))).toEqual([]);
    }
  });
});
