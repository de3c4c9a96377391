/**
 * The work of this worker since its start, as counters and histograms: sum them over the workers. Labels are closed sets, whatever a job
 * or an answer contains.
 */
import { EVENT_TYPES } from '../contract/event.ts';
import { JOB_NAMES } from '../contract/job.ts';
import { FAILURE_CODES } from '../contract/outcome.ts';
import type { Arrival } from '../damoov/traffic.ts';
import type { RunReport } from '../lifecycle/delivery.ts';
import type { Notification } from './notifications.ts';
import { Counter, Histogram, metricText } from './prometheus.ts';

/** In seconds: from a job that needs no request to one that waits for slow answers. */
const JOB_BUCKETS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
/** In seconds: from a job that finds a free worker to one that waited for a day. */
const DUE_BUCKETS = [0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600, 21_600, 86_400];
/** In seconds: the default deadline of a request is 10. */
const REQUEST_BUCKETS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

function createMeters() {
  const counter = (name: string, help: string, labels: string[] = []) =>
    new Counter({ name: `damoov_users_${name}_total`, help }, labels);
  const histogram = (name: string, help: string, labels: string[], buckets: number[]) =>
    new Histogram({ name: `damoov_users_${name}_duration_seconds`, help }, labels, buckets);
  return {
    settled: counter('jobs_settled', 'Jobs that this worker settled', ['operation', 'outcome', 'code']),
    runs: counter('job_runs', 'Runs of jobs, by decision', ['operation', 'next']),
    published: counter('events_published', 'Published events; each goes to every events queue', ['type']),
    circuitOpened: counter('circuit_opened', 'How often this worker opened a circuit for the fleet', [
      'circuit',
    ]),
    lowered: counter('rate_lowered', "How often a 429 to this worker lowered the fleet's rate"),
    redisLost: counter('redis_lost', 'How often this worker lost its Redis connection'),
    jobDuration: histogram(
      'job',
      'Duration of the run that settled a job',
      ['operation', 'outcome'],
      JOB_BUCKETS,
    ),
    dueToSettled: histogram(
      'due_to_settled',
      'From when a job was due to its end',
      ['operation'],
      DUE_BUCKETS,
    ),
    requestDuration: histogram(
      'damoov_request',
      'Duration of a request to Damoov, without its wait for a slot',
      ['operation', 'status'],
      REQUEST_BUCKETS,
    ),
  };
}

export interface MetricsOfWork {
  count(notification: Notification): void;
  /** In the text format of Prometheus. */
  text(): string;
}

export function createWorkerMetrics(version: string): MetricsOfWork {
  const meters = createMeters();
  const { settled, runs, published } = meters;
  // A series that starts at 1 shows no increase: possible faults start at 0.
  for (const operation of JOB_NAMES) {
    settled.add([operation, 'done', ''], 0);
    for (const code of FAILURE_CODES) settled.add([operation, 'failed', code], 0);
  }
  for (const type of EVENT_TYPES) published.add([type], 0);

  function countRun({ decision, operation, durationMs, sinceDueMs }: RunReport): void {
    runs.add([operation, decision.next]);
    if (decision.next !== 'complete' && decision.next !== 'fail') return;
    const { outcome, event } = decision;
    settled.add([operation, outcome.status, codeOf(outcome)]);
    meters.jobDuration.observe([operation, outcome.status], durationMs / 1000);
    meters.dueToSettled.observe([operation], sinceDueMs / 1000);
    published.add([event.type]);
  }

  return {
    count(notification) {
      if (notification.is === 'run-ended') countRun(notification.run);
      if (notification.is === 'rate-lowered') meters.lowered.add();
      if (notification.is === 'redis-lost') meters.redisLost.add();
      if (notification.is === 'circuit-changed' && notification.change.is === 'open') {
        meters.circuitOpened.add([notification.change.circuit]);
      }
      if (notification.is === 'request-ended' && notification.request.wasSent) {
        const { request } = notification;
        meters.requestDuration.observe([request.operation, statusOf(request)], request.durationMs / 1000);
      }
    },
    text() {
      const build = { name: 'damoov_users_build_info', help: 'Always 1, for each worker' };
      const texts = Object.values(meters).map((meter) => meter.text());
      return [...texts, metricText(build, 'gauge', [[1, { version }]])].join('\n');
    },
  };
}

function codeOf(outcome: Extract<RunReport['decision'], { next: 'complete' | 'fail' }>['outcome']): string {
  if (outcome.status === 'failed') return outcome.code;
  return outcome.status === 'superseded' ? outcome.by : '';
}

const STATUSES = new Set([
  200, 201, 204, 301, 302, 307, 308, 400, 401, 403, 404, 405, 408, 409, 419, 422, 429, 500, 501, 502, 503,
  504,
]);
/** The status is 200, but the answer is unusable. */
const UNUSABLE = new Set(['malformed', 'no-result']);

/** A status, or why there was none. An envelope may name any number: of unexpected ones only the class counts. */
export function statusOf({ status, kind }: Pick<Arrival, 'status' | 'kind'>): string {
  if (status === undefined || (kind !== undefined && UNUSABLE.has(kind))) return kind ?? 'unknown';
  if (STATUSES.has(status)) return `${status}`;
  const hundred = Math.floor(status / 100);
  return hundred >= 1 && hundred <= 5 ? `${hundred}xx` : 'other';
}
