/**
 * What this worker has done since it started, as counters and histograms: sums over the workers are the fleet's. Labels are
 * closed sets, whatever a job or an answer says.
 */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { EVENT_TYPES } from '../contract/event.ts';
import { JOB_NAMES } from '../contract/job.ts';
import { FAILURE_CODES } from '../contract/outcome.ts';
import type { Arrival } from '../damoov/traffic.ts';
import type { RunReport } from '../lifecycle/delivery.ts';
import type { Happening } from './notifications.ts';

/** In seconds: from a job that needs no request to one that waits for slow answers. */
const JOB_BUCKETS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
/** In seconds: the default deadline of a request is 10. */
const REQUEST_BUCKETS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Answers what to tell of each happening. */
export function createWorkerMetrics(registry: Registry, version: string): (happening: Happening) => void {
  const registers = [registry];
  const settled = new Counter({
    name: 'damoov_users_jobs_settled_total',
    help: 'Jobs that this worker has brought to an end',
    labelNames: ['operation', 'outcome', 'code'],
    registers,
  });
  const runs = new Counter({
    name: 'damoov_users_job_runs_total',
    help: 'Runs of jobs, by what the queue was told',
    labelNames: ['operation', 'next'],
    registers,
  });
  const jobDuration = new Histogram({
    name: 'damoov_users_job_duration_seconds',
    help: 'How long the run took that brought a job to its end',
    labelNames: ['operation', 'outcome'],
    buckets: JOB_BUCKETS,
    registers,
  });
  const requestDuration = new Histogram({
    name: 'damoov_users_damoov_request_duration_seconds',
    help: 'How long a request to Damoov took, the wait for its turn not included',
    labelNames: ['operation', 'status'],
    buckets: REQUEST_BUCKETS,
    registers,
  });
  const published = new Counter({
    name: 'damoov_users_events_published_total',
    help: 'Events, each of which went to every events queue',
    labelNames: ['type'],
    registers,
  });
  const gateShut = new Counter({
    name: 'damoov_users_gate_shut_total',
    help: 'How often this worker has shut a gate for the fleet',
    labelNames: ['gate'],
    registers,
  });
  const lowered = new Counter({
    name: 'damoov_users_rate_lowered_total',
    help: "How often an answer of 429 that this worker got has lowered the fleet's rate",
    registers,
  });
  const redisLost = new Counter({
    name: 'damoov_users_redis_lost_total',
    help: 'How often this worker has lost its Redis',
    registers,
  });
  new Gauge({
    name: 'damoov_users_build_info',
    help: 'Always 1, for each worker',
    labelNames: ['version'],
    registers,
  }).set({ version }, 1);

  // A series that appears with its first 1 shows no increase: what may go wrong begins with 0.
  for (const operation of JOB_NAMES) {
    settled.inc({ operation, outcome: 'done', code: '' }, 0);
    for (const code of FAILURE_CODES) settled.inc({ operation, outcome: 'failed', code }, 0);
  }
  for (const type of EVENT_TYPES) published.inc({ type }, 0);

  function count({ verdict, operation, durationMs }: RunReport): void {
    runs.inc({ operation, next: verdict.next });
    if (verdict.next !== 'complete' && verdict.next !== 'fail') return;
    const { outcome, event } = verdict;
    settled.inc({ operation, outcome: outcome.status, code: codeOf(outcome) });
    jobDuration.observe({ operation, outcome: outcome.status }, durationMs / 1000);
    published.inc({ type: event.type });
  }

  return (happening) => {
    switch (happening.is) {
      case 'run-ended':
        return count(happening.run);
      case 'request-ended': {
        const { request } = happening;
        if (!request.wasSent) return;
        const labels = { operation: request.operation, status: statusOf(request) };
        return requestDuration.observe(labels, request.durationMs / 1000);
      }
      case 'gate-changed':
        return happening.change.is === 'shut' ? gateShut.inc({ gate: happening.change.gate }) : undefined;
      case 'rate-lowered':
        return lowered.inc();
      case 'redis-lost':
        return redisLost.inc();
      // The fleet's count lies in Redis.
      case 'session-revoked':
      case 'started':
      case 'redis-ready':
      case 'traces-ready':
      case 'traces-lost':
      case 'queue-faulty':
      case 'http-faulty':
      case 'stopped-uncleanly':
    }
  };
}

function codeOf(outcome: Extract<RunReport['verdict'], { next: 'complete' | 'fail' }>['outcome']): string {
  if (outcome.status === 'failed') return outcome.code;
  return outcome.status === 'superseded' ? outcome.by : '';
}

const STATUSES = new Set([
  200, 201, 204, 301, 302, 307, 308, 400, 401, 403, 404, 405, 408, 409, 419, 422, 429, 500, 501, 502, 503,
  504,
]);
/** The status says 200, and the answer is not what it ought to be. */
const UNUSABLE = new Set(['malformed', 'no-result']);

/** A status, or why there was none. An envelope may name any number: of those that nobody expects only the hundred counts. */
export function statusOf({ status, kind }: Pick<Arrival, 'status' | 'kind'>): string {
  if (status === undefined || (kind !== undefined && UNUSABLE.has(kind))) return kind ?? 'unknown';
  if (STATUSES.has(status)) return `${status}`;
  const hundred = Math.floor(status / 100);
  return hundred >= 1 && hundred <= 5 ? `${hundred}xx` : 'other';
}
