/**
 * How the fleet stands, as gauges: what lies in Redis, of which every worker tells the same. In a query take their maximum over
 * the workers, never their sum. Labels are names from the configuration.
 */
import { Gauge, Registry } from 'prom-client';
import { LAST_DATE_MS } from '../contract/duration.ts';
import type { FleetStatus } from './fleet-status.ts';

const EVENT_STATES = ['waiting', 'active', 'delayed', 'failed'] as const;

/** Answers how to show a status; undefined where Redis did not tell it. What is not known is left out, as 0 would be a figure. */
export function createFleetMetrics(): (status: FleetStatus | undefined) => Promise<string> {
  const registry = new Registry();
  const gauge = <Label extends string>(name: string, help: string, labelNames: Label[] = []) =>
    new Gauge({ name: `damoov_users_${name}`, help, labelNames, registers: [registry] });
  const redisUp = gauge('redis_up', '1 where Redis has told this worker how the fleet stands');
  const jobs = gauge('jobs', 'Jobs in the queue; those that are held before a gate are delayed', ['state']);
  const oldest = gauge('oldest_waiting_age_seconds', 'How long the job has waited that has waited longest');
  const isPaused = gauge('queue_paused', '1 while somebody has paused the queue');
  const eventJobs = gauge('events_queue_jobs', 'Events in the queue of a subscribing service', [
    'queue',
    'state',
  ]);
  const shut = gauge('gate_shut', '1 while a credential is refused, or Damoov is away', ['gate']);
  const held = gauge('gate_held_jobs', 'Jobs that wait before a gate', ['gate']);
  const loginsLeft = gauge('logins_left', 'Log-ins that these credentials may still make within the hour');
  const loginBarred = gauge(
    'login_barred_seconds',
    'How long a bar on log-ins lasts from now on, after a 429 or a failed one',
  );
  const revoked = gauge(
    'sessions_revoked',
    'Sessions of the admin that others have ended within the hour: each costs a log-in',
  );
  const rate = gauge(
    'requests_per_second_limit',
    'What the fleet may send to Damoov; absent where nothing limits it',
  );
  const paused = gauge(
    'requests_paused_seconds',
    'For how long the fleet sends nothing from now on, after a 429',
  );
  const pending = gauge('deletions_pending', 'Deletions that are not due yet; of many an estimate');
  const heldDeletions = gauge('deletions_held', 'Deletions that the brake holds until somebody decides');
  const nextDeletion = gauge('deletion_next_due_timestamp_seconds', 'When the next deletion is due');

  return async (status) => {
    registry.resetMetrics();
    for (const bare of [oldest, isPaused, loginsLeft, loginBarred, revoked, rate, paused]) bare.remove();
    for (const bare of [pending, heldDeletions, nextDeletion]) bare.remove();
    redisUp.set(status === undefined ? 0 : 1);
    if (status === undefined) return registry.metrics();
    const { at, logins } = status;
    for (const state of ['waiting', 'active', 'delayed', 'failed', 'completed'] as const) {
      jobs.set({ state }, status.jobs[state]);
    }
    oldest.set(Math.max(0, at - (status.jobs.oldestSince ?? at)) / 1000);
    isPaused.set(status.jobs.isPaused ? 1 : 0);
    for (const { queue, ...counts } of status.events) {
      for (const state of EVENT_STATES) eventJobs.set({ queue, state }, counts[state]);
    }
    for (const state of status.gates) {
      shut.set({ gate: state.gate }, state.shutSince === undefined ? 0 : 1);
      held.set({ gate: state.gate }, state.held);
    }
    if (logins !== undefined) {
      loginsLeft.set(logins.left);
      loginBarred.set(secondsUntil(logins.barredUntil, at));
      revoked.set(logins.revoked ?? 0);
    }
    if (status.rate.ratePerS !== undefined) rate.set(status.rate.ratePerS);
    paused.set(secondsUntil(status.rate.pausedUntil, at));
    pending.set(status.deletions.count);
    heldDeletions.set(status.gates.find(({ gate }) => gate === 'brake')?.held ?? 0);
    const { nextDueAt = Infinity } = status.deletions;
    if (nextDueAt <= LAST_DATE_MS) nextDeletion.set(nextDueAt / 1000);
    return registry.metrics();
  };
}

function secondsUntil(atMs: number | undefined, nowMs: number): number {
  return Math.max(0, (atMs ?? nowMs) - nowMs) / 1000;
}
