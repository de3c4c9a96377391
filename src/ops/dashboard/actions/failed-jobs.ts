/**
 * Retries or drops failed jobs: one, or all of a filter.
 */
import { z } from 'zod';
import { type FailedFilter, selectFailedJobs } from '../../../bullmq/selected-jobs.ts';
import { JOB_NAMES, UNKNOWN } from '../../../contract/job.ts';
import { FAILURE_CODES } from '../../../contract/outcome.ts';
import { Age, Id } from './action.ts';
import { selectionAction } from './selection-action.ts';

const Filter: z.ZodType<FailedFilter> = z.strictObject({
  id: z.array(Id).min(1).optional(),
  code: z
    .array(z.enum([...FAILURE_CODES, UNKNOWN]))
    .min(1)
    .optional(),
  operation: z.enum([...JOB_NAMES, UNKNOWN]).optional(),
  clientId: Id.optional(),
  userId: Id.optional(),
  instance: Id.optional(),
  olderThan: Age.optional(),
  newerThan: Age.optional(),
});

export const retryFailed = selectionAction({
  command: 'failed retry',
  does: 'retry',
  verb: 'Retry',
  done: 'retried',
  effect: 'They run again, with fresh attempts.',
  filter: Filter,
  select: selectFailedJobs,
});

export const dropFailed = selectionAction({
  command: 'failed drop',
  does: 'drop',
  verb: 'Drop',
  done: 'dropped',
  effect: 'They are removed for ever, with what they ask for. Nothing runs.',
  filter: Filter,
  select: selectFailedJobs,
});
