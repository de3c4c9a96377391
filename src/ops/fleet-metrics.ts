/**
 * The state of the fleet as gauges. It comes from Redis, so every worker reports the same values: query their maximum over the workers,
 * never their sum. Labels are names from the configuration.
 */
import { LAST_DATE_MS } from '../contract/duration.ts';
import type { FleetStatus } from './fleet-status.ts';
import { type Sample, metricText } from './prometheus.ts';

const JOB_STATES = ['waiting', 'active', 'delayed', 'failed', 'completed'] as const;
const EVENT_STATES = ['waiting', 'active', 'delayed', 'failed'] as const;

interface GaugeOf {
  name: string;
  help: string;
  /** Omits unknown values, because 0 would be a value. */
  read: (status: FleetStatus) => [value: number | undefined, labels?: Record<string, string>][];
}

const GAUGES: readonly GaugeOf[] = [
  {
    name: 'jobs',
    help: 'Jobs in the queue; held jobs are delayed',
    read: ({ jobs }) => JOB_STATES.map((state) => [jobs[state], { state }]),
  },
  {
    name: 'oldest_waiting_age_seconds',
    help: 'Age of the job that has waited longest',
    read: ({ jobs, at }) => [[Math.max(0, at - (jobs.oldestSince ?? at)) / 1000]],
  },
  {
    name: 'queue_paused',
    help: '1 while the queue is paused',
    read: ({ jobs }) => [[jobs.isPaused ? 1 : 0]],
  },
  {
    name: 'events_queue_jobs',
    help: 'Events in the queue of a subscribing service',
    read: ({ events }) =>
      events.flatMap(({ queue, ...counts }) =>
        EVENT_STATES.map((state) => [counts[state], { queue, state }]),
      ),
  },
  {
    name: 'circuit_open',
    help: '1 while the circuit is open',
    read: ({ circuits }) =>
      circuits.map(({ circuit, openSince }) => [openSince === undefined ? 0 : 1, { circuit }]),
  },
  {
    name: 'circuit_held_jobs',
    help: 'Jobs held by an open circuit',
    read: ({ circuits }) => circuits.map(({ circuit, held }) => [held, { circuit }]),
  },
  {
    name: 'logins_left',
    help: 'Logins that these credentials may still make within the hour',
    read: ({ logins }) => [[logins?.left]],
  },
  {
    name: 'login_barred_seconds',
    help: 'Time until logins are allowed again, after a 429 or a failed login',
    read: ({ logins, at }) => [[logins && secondsUntil(logins.barredUntil, at)]],
  },
  {
    name: 'sessions_revoked',
    help: 'Sessions of the admin that others ended within the hour: each costs a login',
    read: ({ logins }) => [[logins && (logins.revoked ?? 0)]],
  },
  {
    name: 'requests_per_second_limit',
    help: 'Limit of requests to Damoov; absent without a limit',
    read: ({ rate }) => [[rate.ratePerS]],
  },
  {
    name: 'requests_paused_seconds',
    help: 'Time until the fleet sends requests again, after a 429',
    read: ({ rate, at }) => [[secondsUntil(rate.pausedUntil, at)]],
  },
  {
    name: 'deletions_pending',
    help: 'Deletions that are not due yet; an estimate if there are many',
    read: ({ deletions }) => [[deletions.count]],
  },
  {
    name: 'deletions_held',
    help: 'Deletions that the deletion limit holds for approval',
    read: ({ circuits }) => [[circuits.find(({ circuit }) => circuit === 'deletion-limit')?.held ?? 0]],
  },
  {
    name: 'deletion_next_due_timestamp_seconds',
    help: 'When the next deletion is due',
    read: ({ deletions: { nextDueAt = Infinity } }) => [
      [nextDueAt <= LAST_DATE_MS ? nextDueAt / 1000 : undefined],
    ],
  },
];

const REDIS_UP = { name: 'redis_up', help: '1 if this worker read the state of the fleet from Redis' };

/** In the text format of Prometheus. @param status undefined if Redis did not answer. */
export function fleetMetrics(status: FleetStatus | undefined): string {
  const gauges = GAUGES.map(({ read, ...named }) =>
    gaugeText(named, status === undefined ? [] : read(status)),
  );
  return [gaugeText(REDIS_UP, [[status === undefined ? 0 : 1]]), ...gauges].join('\n');
}

function gaugeText({ name, help }: Omit<GaugeOf, 'read'>, read: ReturnType<GaugeOf['read']>): string {
  const samples = read.flatMap(([value, labels]): Sample[] => (value === undefined ? [] : [[value, labels]]));
  return metricText({ name: `damoov_users_${name}`, help }, 'gauge', samples);
}

function secondsUntil(atMs: number | undefined, nowMs: number): number {
  return Math.max(0, (atMs ?? nowMs) - nowMs) / 1000;
}
