/**
 * The circuits on a job's way to Damoov, and the port behind which a fleet shares them. Knows which circuits a job comes to, not
 * when one is open.
 */
import type { JobName } from '../../contract/job.ts';
import type { Circuit } from '../../contract/outcome.ts';
import type { Version } from '../../contract/version.ts';
import type { Run } from './user-state.ts';

/** Each instance has a key of its own; the admin is one for all. */
export type CircuitName = 'damoov' | 'admin' | 'deletion-limit' | `instance-key:${string}`;

/** What stands before a run that has begun. */
export interface Passage {
  /** Circuits that are open and that this run must not try: those it may do without. */
  open: readonly CircuitName[];
  /** Circuits that are open and that this run is to try for all. */
  probes: readonly CircuitName[];
}

export interface Refusal {
  circuit: CircuitName;
  reason: string;
  /** Earliest time of a probe, in milliseconds from now. */
  afterMs?: number | undefined;
  /** The reason is used only if no other is known. */
  isUntried?: boolean | undefined;
}

/** The circuits of a fleet: what one worker learns of them holds for all that use the same credentials. */
export interface Circuits {
  /**
   * Opens the circuit, if it is not open yet, and notes the job as held before it: the queue is to delay it. A probe that was refused makes the next one later. A
   * circuit that other workers have just passed stays `closed`, and the job is left where it is.
   */
  refuse(run: Run, version: Version, refusal: Refusal): Promise<'held' | 'closed'>;
  /** Ends a half-open probe: after a success the circuit closes; without a result another run has to try. */
  probed(run: Run, circuit: CircuitName, hasPassed: boolean): Promise<void>;
}

/** The circuit by name, for a job of this instance. */
export function circuitName(circuit: Circuit, instance: string): CircuitName {
  return circuit === 'instance-key' ? `instance-key:${instance}` : circuit;
}

/**
 * The circuits a job comes to: without those of `must` it need not begin. A create needs the admin only if it has to look
 * something up.
 */
export function circuitsOf(name: JobName, instance: string): { must: CircuitName[]; may: CircuitName[] } {
  switch (name) {
    case 'create-user':
      return { must: ['damoov', circuitName('instance-key', instance)], may: ['admin'] };
    case 'update-user':
      return { must: ['damoov', 'admin'], may: [] };
    case 'delete-user':
      return { must: ['damoov', 'admin', 'deletion-limit'], may: [] };
  }
}
