/**
 * What `damoov-users failed` shows of a failed job: only what the failed set contains.
 */
import type { FailedJob } from '../../bullmq/failed-jobs.ts';
import type { Report } from '../common/selection-report.ts';

export const FAILED_JOBS: Report<FailedJob> = {
  key: 'jobs',
  columns: {
    operation: ({ operation }) => operation,
    instance: ({ instance }) => instance,
    job: ({ jobId }) => jobId,
    code: ({ code }) => code,
    message: ({ message }) => message.trim(),
  },
};
