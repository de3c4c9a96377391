/**
 * `damoov-users failed list|retry|drop`: lists, retries or drops failed jobs. Counts first, and changes nothing without confirmation.
 */
import { type FailedJob, type FailedJobs, UNKNOWN, createFailedJobs } from '../../bullmq/failed-jobs.ts';
import { openQueue } from '../../bullmq/open-queue.ts';
import { type Audit, auditOf } from '../common/audited.ts';
import type { CommandContext } from '../common/command-context.ts';
import { checkInstance, knownInstances } from '../common/known-instance.ts';
import {
  type ChangeOptions,
  type ListOptions,
  type Selection,
  changeSelection,
  matching,
  showSelection,
  spanOf,
} from '../common/selection.ts';
import { withRedis } from '../common/with-redis.ts';
import { countJobs, countsText, tableOf } from './report.ts';

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
  await withSelection(options, context, (selection) =>
    showSelection(selection, options, { key: 'jobs', tableOf }, context),
  );
}

/** Retries jobs, with fresh attempts. */
export async function retryFailed(
  options: FailedFilter & ChangeOptions,
  context: CommandContext,
): Promise<void> {
  const words = { command: 'failed retry', verb: 'Retry', done: 'retried', what: 'job' };
  await withSelection(options, context, (selection, failed, audit) =>
    changeSelection(selection, words, options, context, (jobs) => failed.retry(jobs), audit),
  );
}

/** Removes jobs. */
export async function dropFailed(
  options: FailedFilter & ChangeOptions,
  context: CommandContext,
): Promise<void> {
  const words = { command: 'failed drop', verb: 'Drop', done: 'dropped', what: 'job' };
  await withSelection(options, context, (selection, failed, audit) =>
    changeSelection(selection, words, options, context, (jobs) => failed.drop(jobs), audit),
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
    const span = spanOf(options, (await failed.newest()) ?? 0, Date.now());
    const read = () => matching(failed.read(span), (job) => isWanted(job, options));
    const counts = await countJobs(read());
    // The number may have changed meanwhile.
    const others = Math.max(0, (await jobs.getFailedCount()) - counts.total);
    const text = countsText(counts, others);
    await work(
      { total: counts.total, text, json: { counts, others }, read },
      failed,
      auditOf(connection, config),
    );
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
