/**
 * A job that has not ended, and why it waits, as its user's record notes it.
 */
import { z } from 'zod';
import { Later } from '../../lifecycle/ports/user-state.ts';

export interface OpenJob {
  jobId: string;
  /** `running`: it has locked the user; `blocked`: another one has; the others: it goes on later. */
  is: 'running' | 'blocked' | Later['status'];
  reason?: string | undefined;
  at?: number | undefined;
}

/** A job that goes on later. @param text the note. */
export function laterJobIn(jobId: string, text: string): OpenJob {
  const { status, ...more } = z
    .string()
    .transform((json) => JSON.parse(json) as unknown)
    .pipe(Later)
    .parse(text);
  return { jobId, is: status, ...more };
}
