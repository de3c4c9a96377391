/**
 * The circuits between a job and Damoov, and the port through which a fleet shares them. Defines which circuits a job passes, not when
 * one is open.
 */
import type { JobName } from '../../contract/job.ts';
import type { Circuit } from '../../contract/outcome.ts';
import type { Version } from '../../contract/version.ts';
import type { Run } from './user-state.ts';

/** Each instance has its own key; all share one admin. */
export type CircuitName = 'damoov' | 'admin' | 'deletion-limit' | `instance-key:${string}`;

/** The open circuits that a started run has to know. */
export interface Passage {
  /** Open circuits that the job can do without: this run must not try them. */
  open: readonly CircuitName[];
  /** Open circuits for which this run is the half-open probe. */
  probes: readonly CircuitName[];
}

export interface Refusal {
  circuit: CircuitName;
  reason: string;
  /** Earliest time of a probe, in milliseconds from now. */
  afterMs?: number | undefined;
  /** True if the request was not sent: the reason is used only if no other is known. */
  isUntried?: boolean | undefined;
}

/** The circuits of a fleet: what one worker learns holds for all with the same credentials. */
export interface Circuits {
  /**
   * Opens the circuit if it is closed, and registers the job as held behind it: the queue must delay it. A refused probe delays the next
   * one. If other workers have just passed the circuit, it stays `closed` and the job is not registered.
   */
  refuse(run: Run, version: Version, refusal: Refusal): Promise<'held' | 'closed'>;
  /** Ends a half-open probe: a success closes the circuit; without a result, another run has to try. */
  probed(run: Run, circuit: CircuitName, hasPassed: boolean): Promise<void>;
}

/** The circuit by name, for a job of this instance. */
export function circuitName(circuit: Circuit, instance: string): CircuitName {
  return circuit === 'instance-key' ? `instance-key:${instance}` : circuit;
}

/** The circuits of a job: it cannot start while one of `must` is open. A create needs the admin only for a look-up. */
export function circuitsOf(name: JobName, instance: string): { must: CircuitName[]; may: CircuitName[] } {
  switch (name) {
    case 'create-user':
      return { must: ['damoov', circuitName('instance-key', instance)], may: ['admin'] };
    case 'update-user':
    case 'move-user':
      return { must: ['damoov', 'admin'], may: [] };
    case 'delete-user':
      return { must: ['damoov', 'admin', 'deletion-limit'], may: [] };
  }
}
