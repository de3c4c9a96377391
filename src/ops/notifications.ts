/**
 * The notifications of a worker, to which log, metrics and traces listen. They hold only ids, configured names and figures.
 */
import type { Arrival } from '../damoov/traffic.ts';
import type { CircuitChange } from '../store/circuits/circuits.ts';
import type { RunReport } from '../lifecycle/delivery.ts';

export type Notification =
  | { is: 'started'; queue: string; events: readonly string[]; instances: readonly string[]; url: string }
  /** A run of a job has ended: the job is settled, or runs again later. */
  | { is: 'run-ended'; run: RunReport }
  /** A request to Damoov has been answered, or has failed. */
  | { is: 'request-ended'; request: Arrival }
  /** Emitted by one worker of the fleet. */
  | { is: 'circuit-changed'; change: CircuitChange }
  /** The admin's session ended early, and the fleet did not end it; emitted by the worker that noticed it. */
  | { is: 'session-revoked'; withinHour: number }
  | { is: 'rate-lowered'; ratePerS: number; pausedForMs: number }
  | { is: 'redis-ready'; place?: string }
  /** The connection is lost, or Redis refuses us. */
  | { is: 'redis-lost'; reason?: string | undefined; place?: string }
  | { is: 'traces-ready' }
  /** The receiver rejects traces. */
  | { is: 'traces-lost'; reason: string }
  /** The webhook did not take an alert: it is sent again. */
  | { is: 'alert-unsent'; reason: string }
  | { is: 'queue-faulty'; error: Error }
  /** A request to this worker over HTTP failed: a fault of ours. */
  | { is: 'http-faulty'; error: Error }
  | { is: 'stopped-uncleanly'; error: Error };

/** Returns a function that calls each listener in order; listeners may be added later. */
export function emitTo(
  listeners: readonly ((notification: Notification) => void)[],
): (notification: Notification) => void {
  return (notification) => listeners.forEach((listen) => listen(notification));
}
