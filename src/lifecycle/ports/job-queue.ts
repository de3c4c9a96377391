/**
 * The port for access to other jobs than the running one.
 */
import type { UserEvent } from '../../contract/event.ts';
import type { Version } from '../../contract/version.ts';

export interface JobQueue {
  /** Makes a delayed job run now. `gone`: it was removed or has ended; `elsewhere`: it is not delayed, so nothing has to be done. */
  promote(jobId: string): Promise<'promoted' | 'gone' | 'elsewhere'>;
  /** Whether the queue has this job, and it has not ended. */
  isPending(jobId: string): Promise<boolean>;
  /** Erases the data of failed jobs except their ids: jobs of these versions that no run has locked. */
  erase(versions: readonly Version[]): Promise<void>;
}

/** Publishes an event to every events queue: at least once, with the same id. */
export type Publish = (event: UserEvent) => Promise<void>;
