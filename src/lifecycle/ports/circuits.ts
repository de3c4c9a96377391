/**
 * The gates on a job's way to Damoov, and the port behind which a fleet shares them. Knows which gates a job comes to, not
 * when one is shut.
 */
import type { JobName } from '../../contract/job.ts';
import type { Gate } from '../../contract/outcome.ts';
import type { Version } from '../../contract/version.ts';
import type { Run } from './user-state.ts';

/** Each instance has a key of its own; the admin is one for all. */
export type GateName = 'damoov' | 'admin' | 'brake' | `instance-key:${string}`;

/** What stands before a run that has begun. */
export interface Passage {
  /** Gates that are shut and that this run must not try: those it may do without. */
  shut: readonly GateName[];
  /** Gates that are shut and that this run is to try for all. */
  probes: readonly GateName[];
}

export interface Refusal {
  gate: GateName;
  reason: string;
  /** Nobody may try earlier than this many milliseconds from now. */
  afterMs?: number | undefined;
  /** The reason is only told where no other is known. */
  isUntried?: boolean | undefined;
}

/** The gates of a fleet: what one worker learns of them holds for all that use the same credentials. */
export interface Gates {
  /**
   * Shuts the gate, if it is not shut yet, and notes the job as held before it: the queue is to delay it. A probe that was refused makes the next one later. A
   * gate that other workers have just passed stays `open`, and the job is left where it is.
   */
  refuse(run: Run, version: Version, refusal: Refusal): Promise<'held' | 'open'>;
  /** A run that was to try the gate is over: it came through, and the gate opens, or it cannot tell, and another has to try. */
  probed(run: Run, gate: GateName, hasPassed: boolean): Promise<void>;
}

/** The gate by name, for a job of this instance. */
export function gateName(gate: Gate, instance: string): GateName {
  return gate === 'instance-key' ? `instance-key:${instance}` : gate;
}

/**
 * The gates a job comes to: without those of `must` it need not begin. A create needs the admin only where it has to look
 * something up.
 */
export function gatesOf(name: JobName, instance: string): { must: GateName[]; may: GateName[] } {
  switch (name) {
    case 'create-user':
      return { must: ['damoov', gateName('instance-key', instance)], may: ['admin'] };
    case 'update-user':
      return { must: ['damoov', 'admin'], may: [] };
    case 'delete-user':
      return { must: ['damoov', 'admin', 'brake'], may: [] };
  }
}
