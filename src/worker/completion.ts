/**
 * The port by which a job completes in the queue in the same step in which it is settled. Which queue that is, and what its
 * completion takes, is not the pipeline's business.
 */
import type { EventData } from '../contract/event.ts';

/** A job's completion, for whoever settles the job. */
export interface Completion {
  /** The arguments of the queue's own script, for whoever settles the job to call. Asks nobody anything. */
  prepare(data: EventData): readonly (string | number | Buffer)[];
  /** The job has completed; told is what that script answered. */
  done(reply: unknown): void;
}
