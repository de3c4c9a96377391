/**
 * `damoov-users failed list|retry|drop`: lists, retries or drops failed jobs. Counts first, and changes nothing without confirmation.
 */
import type { FailedJob } from '../../bullmq/failed-jobs.ts';
import { openQueue } from '../../bullmq/open-queue.ts';
import { type FailedFilter, selectFailedJobs } from '../../bullmq/selected-jobs.ts';
import { UNKNOWN } from '../../contract/job.ts';
import { type Audit, auditOf } from '../common/audited.ts';
import type { CommandContext } from '../common/command-context.ts';
import { checkInstance, knownInstances } from '../common/known-instance.ts';
import {
  type ChangeOptions,
  type Counted,
  type ListOptions,
  changeSelection,
  countSelection,
  showSelection,
} from '../common/selection.ts';
import { withRedis } from '../common/with-redis.ts';
import { FAILED_JOBS } from './report.ts';

const WORDS = {
  retry: { command: 'failed retry', verb: 'Retry', done: 'retried', what: 'job' },
  drop: { command: 'failed drop', verb: 'Drop', done: 'dropped', what: 'job' },
};

/** Shows the counts, then the oldest jobs. */
export async function listFailed(
  options: FailedFilter & ListOptions,
  context: CommandContext,
): Promise<void> {
  await withSelection(options, context, (counted) => showSelection(counted, options, context));
}

/** Retries jobs, with fresh attempts. */
export const retryFailed = change('retry');

/** Removes jobs. */
export const dropFailed = change('drop');

function change(does: keyof typeof WORDS) {
  return (options: FailedFilter & ChangeOptions, context: CommandContext): Promise<void> =>
    withSelection(options, context, (counted, audit) =>
      changeSelection(counted, WORDS[does], options, context, counted.selection[does], audit),
    );
}

/** The selected jobs at the start of the command. */
async function withSelection(
  options: FailedFilter,
  context: CommandContext,
  work: (counted: Counted<FailedJob>, audit: Audit) => Promise<void>,
): Promise<void> {
  await withRedis(context, async (connection, config) => {
    checkInstance(options.instance, config, { more: [UNKNOWN] });
    const { prefix, jobs: name } = config.queues;
    const jobs = openQueue(name, { connection, prefix });
    const instances = new Set(knownInstances(config));
    const selection = await selectFailedJobs({ prefix, jobs, connection, instances }, options);
    await work(await countSelection(selection, FAILED_JOBS), auditOf(connection, config));
  });
}
