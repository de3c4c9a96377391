/**
 * What happens in a worker and is worth telling: log, metrics and traces each listen to the same. Names no listener, and holds
 * ids, names from the configuration and figures only.
 */
import type { Arrival } from '../damoov/traffic.ts';
import type { CircuitChange } from '../store/circuits/circuits.ts';
import type { RunReport } from '../lifecycle/delivery.ts';

export type Happening =
  | { is: 'started'; queue: string; events: readonly string[]; instances: readonly string[]; url: string }
  /** A run of a job has ended: the job is settled, or goes on later. */
  | { is: 'run-ended'; run: RunReport }
  /** A request to Damoov has been answered, or has failed. */
  | { is: 'request-ended'; request: Arrival }
  /** Told by one worker of the fleet. */
  | { is: 'circuit-changed'; change: CircuitChange }
  /** The admin's session was ended before its time, and not by the fleet; told by the worker that met it. */
  | { is: 'session-revoked'; withinHour: number }
  | { is: 'rate-lowered'; ratePerS: number; pausedForMs: number }
  | { is: 'redis-ready'; place?: string }
  /** The connection is lost, or Redis refuses us. */
  | { is: 'redis-lost'; reason?: string | undefined; place?: string }
  | { is: 'traces-ready' }
  /** The receiver of the traces takes none. */
  | { is: 'traces-lost'; reason: string }
  | { is: 'queue-faulty'; error: Error }
  /** A request to this worker over HTTP found no answer: a fault of ours. */
  | { is: 'http-faulty'; error: Error }
  | { is: 'stopped-uncleanly'; error: Error };

/** Tells one listener after the other; further ones may be added. */
export function tellAll(
  listeners: readonly ((happening: Happening) => void)[],
): (happening: Happening) => void {
  return (happening) => listeners.forEach((listen) => listen(happening));
}
