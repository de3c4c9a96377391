/**
 * `damoov-users failed list|retry|drop`: lists, retries or drops failed jobs. Counts first, and changes nothing without confirmation.
 */
import { type FailedJob, type FailedJobs, createFailedJobs } from '../../bullmq/failed-jobs.ts';
import { openQueue } from '../../bullmq/open-queue.ts';
import { UNKNOWN } from '../../contract/job.ts';
import { type Audit, auditOf } from '../common/audited.ts';
import type { CommandContext } from '../common/command-context.ts';
import { checkInstance, knownInstances } from '../common/known-instance.ts';
import {
  type ChangeOptions,
  type ListOptions,
  type Selection,
  changeSelection,
  countSelection,
  matching,
  showSelection,
  spanOf,
} from '../common/selection.ts';
import { withRedis } from '../common/with-redis.ts';
import { FAILED_JOBS } from './report.ts';

const WORDS = {
  retry: { command: 'failed retry', verb: 'Retry', done: 'retried', what: 'job' },
  drop: { command: 'failed drop', verb: 'Drop', done: 'dropped', what: 'job' },
};

export interface FailedFilter {
  /** Of jobs. */
  id?: string[];
  code?: string[];
  operation?: string;
  clientId?: string;
  userId?: string;
  instance?: string;
  /** Minimum time since the failure, in milliseconds. */
  olderThan?: number;
  /** Maximum time since the failure, in milliseconds. */
  newerThan?: number;
}

/** Shows the counts, then the oldest jobs. */
export async function listFailed(
  options: FailedFilter & ListOptions,
  context: CommandContext,
): Promise<void> {
  await withSelection(options, context, (selection) => showSelection(selection, options, context));
}

/** Retries jobs, with fresh attempts. */
export const retryFailed = change('retry');

/** Removes jobs. */
export const dropFailed = change('drop');

function change(does: keyof typeof WORDS) {
  return (options: FailedFilter & ChangeOptions, context: CommandContext): Promise<void> =>
    withSelection(options, context, (selection, failed, audit) =>
      changeSelection(selection, WORDS[does], options, context, failed[does], audit),
    );
}

/** The selected jobs at the start of the command. */
async function withSelection(
  options: FailedFilter,
  context: CommandContext,
  work: (selection: Selection<FailedJob>, failed: FailedJobs, audit: Audit) => Promise<void>,
): Promise<void> {
  await withRedis(context, async (connection, config) => {
    checkInstance(options.instance, config, { more: [UNKNOWN] });
    const { prefix, jobs: name } = config.queues;
    const jobs = openQueue(name, { connection, prefix });
    const instances = new Set(knownInstances(config));
    const { clientId, userId } = options;
    const failed = createFailedJobs({ prefix, jobs, connection, instances, of: { clientId, userId } });
    const span = spanOf(options, Date.now(), await failed.newest());
    const read = () => matching(failed.read(span), (job) => isWanted(job, options));
    const selection = await countSelection(read, FAILED_JOBS, () => jobs.getFailedCount());
    await work(selection, failed, auditOf(connection, config));
  });
}

function isWanted(job: FailedJob, { id, code, operation, instance }: FailedFilter): boolean {
  return (
    (id === undefined || id.includes(job.jobId)) &&
    (code === undefined || code.includes(job.code)) &&
    (operation === undefined || operation === job.operation) &&
    (instance === undefined || instance === job.instance)
  );
}
