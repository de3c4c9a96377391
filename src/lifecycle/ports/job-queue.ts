/**
 * The port for access to other jobs than the running one.
 */
import type { UserEvent } from '../../contract/event.ts';
import type { Version } from '../../contract/version.ts';

export interface JobQueue {
  /**
   * Has a delayed job run now. `gone`: it was removed, or has ended; `elsewhere`: it is not delayed, and goes its way.
   */
  promote(jobId: string): Promise<'promoted' | 'gone' | 'elsewhere'>;
  /** Whether the queue has this job, and it is not over. */
  isPending(jobId: string): Promise<boolean>;
  /** Erases what failed jobs say, but for their ids: those of these versions that no run is at. */
  erase(versions: readonly Version[]): Promise<void>;
}

/** Publishes an event on every events queue: at least once, under the same id. */
export type Publish = (event: UserEvent) => Promise<void>;
