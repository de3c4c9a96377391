/**
 * Whether a run that ended with an error may have made a user nobody has heard of. Knows what an error proves, not what is
 * done about it.
 */
import type { UserJob } from '../contract/job.ts';
import { DamoovError } from '../damoov/errors.ts';

/** An error that nobody foresaw proves nothing. */
export function mayHaveCreated(job: UserJob, error: unknown): boolean {
  if (job.name !== 'create-user') return false;
  return !(error instanceof DamoovError) || (error.operation === 'create' && error.mayHaveBeenApplied);
}
