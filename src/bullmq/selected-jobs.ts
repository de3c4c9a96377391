/**
 * The failed jobs that an operator selects.
 */
import { type FailedJob, type FailedJobsOptions, createFailedJobs } from './failed-jobs.ts';
import { type Ages, type Moment, type Selection, matching, spanOf } from './selection.ts';

export interface FailedFilter extends Ages {
  /** Of jobs. */
  id?: string[] | undefined;
  code?: string[] | undefined;
  operation?: string | undefined;
  clientId?: string | undefined;
  userId?: string | undefined;
  instance?: string | undefined;
}

/** @param then selects what was selected at that moment. Default: now. */
export async function selectFailedJobs(
  options: Omit<FailedJobsOptions, 'of'>,
  filter: FailedFilter,
  then?: Moment,
): Promise<Selection<FailedJob>> {
  const { jobs } = options;
  const { clientId, userId } = filter;
  const failed = createFailedJobs({ ...options, of: { clientId, userId } });
  const moment = then ?? { now: Date.now(), newest: { [jobs.name]: (await failed.newest()) ?? 0 } };
  const span = spanOf(filter, moment.now, moment.newest[jobs.name]);
  return {
    what: 'failed job',
    kindOf: ({ code, operation }) => ({ code, operation }),
    read: () => matching(failed.read(span), (job) => isWanted(job, filter)),
    all: () => jobs.getFailedCount(),
    retry: (some) => failed.retry(some),
    drop: (some) => failed.drop(some),
    moment,
  };
}

function isWanted(job: FailedJob, { id, code, operation, instance }: FailedFilter): boolean {
  return (
    (id === undefined || id.includes(job.jobId)) &&
    (code === undefined || code.includes(job.code)) &&
    (operation === undefined || operation === job.operation) &&
    (instance === undefined || instance === job.instance)
  );
}
