/**
 * `damoov-users failed list|retry|drop`: lists, retries or drops failed jobs. Counts first, and changes nothing without confirmation.
 */
import { type FailedJob, type FailedJobs, UNKNOWN, createFailedJobs } from '../../bullmq/failed-jobs.ts';
import { RedisAwayError, isLostConnection } from '../../redis/connection.ts';
import type { CommandContext } from '../common/command-context.ts';
import { checkInstance, knownInstances } from '../common/known-instance.ts';
import { openQueue } from '../../bullmq/open-queue.ts';
import { withRedis } from '../common/with-redis.ts';
import { requireYes } from '../terminal/confirm.ts';
import { outputOf } from '../terminal/output.ts';
import { createProgress } from '../terminal/progress.ts';
import { counted, jsonLine, numberText } from '../terminal/text.ts';
import { untilStopped } from '../terminal/until-stopped.ts';
import { type Counts, countJobs, countsText, tableOf } from './report.ts';

export interface FailedFilter {
  /** Of jobs. */
  id?: string[];
  code?: string[];
  operation?: string;
  instance?: string;
  /** Minimum time since the failure, in milliseconds. */
  olderThan?: number;
  /** Maximum time since the failure, in milliseconds. */
  newerThan?: number;
  json?: boolean;
}

export interface FailedListOptions extends FailedFilter {
  /** How many jobs are shown; 0 for all. */
  limit: number;
}

export interface FailedChangeOptions extends FailedFilter {
  /** Without confirmation. */
  yes?: boolean;
}

/** The selected jobs at the start of the command. */
interface Selection {
  failed: FailedJobs;
  counts: Counts;
  /** Number of failed jobs that the filter excludes. */
  others: number;
  read: () => AsyncIterable<FailedJob[]>;
}

/** Shows the counts, then the oldest jobs. */
export async function listFailed(options: FailedListOptions, context: CommandContext): Promise<void> {
  const out = outputOf(context.stdout);
  const { limit, json = false } = options;
  await withSelection(options, context, async ({ counts, others, read }) => {
    if (json && limit > 0) {
      const jobs: FailedJob[] = [];
      for await (const page of firstOf(read(), limit)) jobs.push(...page);
      await out.line(jsonLine({ counts, others, jobs }));
      return;
    }
    if (!(await out.line(json ? jsonLine({ counts, others }) : countsText(counts, others)))) return;
    let shown = 0;
    for await (const jobs of firstOf(read(), limit)) {
      const table = json ? jobs.map(jsonLine) : tableOf(jobs, Date.now(), context.stdout.columns);
      // The widest cells of all pages are unknown without holding all: each page has its own widths, and only the first a heading.
      const lines = json ? table : shown === 0 ? ['', ...table] : table.slice(1);
      if (!(await out.line(lines.join('\n')))) return;
      shown += jobs.length;
    }
    if (shown < counts.total && !json) await out.line(`… ${numberText(counts.total - shown)} more (--limit)`);
  });
}

/** Retries jobs, with fresh attempts. */
export async function retryFailed(options: FailedChangeOptions, context: CommandContext): Promise<void> {
  await change({ verb: 'Retry', done: 'retried' }, options, context, (failed, jobs) => failed.retry(jobs));
}

/** Removes jobs. */
export async function dropFailed(options: FailedChangeOptions, context: CommandContext): Promise<void> {
  await change({ verb: 'Drop', done: 'dropped' }, options, context, (failed, jobs) => failed.drop(jobs));
}

type Act = (failed: FailedJobs, jobs: FailedJob[]) => Promise<number>;

async function change(
  words: { verb: string; done: string },
  { yes = false, json = false, ...filter }: FailedChangeOptions,
  context: CommandContext,
  act: Act,
): Promise<void> {
  const out = outputOf(context.stdout);
  const print = ({ done, gone }: { done: number; gone: number }) => {
    const text = `${numberText(done)} ${words.done}${gone === 0 ? '' : `, ${numberText(gone)} gone meanwhile`}`;
    return out.line(json ? JSON.stringify({ [words.done]: done, gone }) : text);
  };
  await withSelection(filter, context, async (selection) => {
    const { counts, others } = selection;
    if (counts.total === 0) {
      await (json ? print({ done: 0, gone: 0 }) : out.line(countsText(counts, others)));
      return;
    }
    context.stderr.write(`${countsText(counts, others)}\n`);
    if (!yes) {
      await requireYes(
        `${words.verb} ${counted(counts.total, 'job')}?`,
        `nothing was ${words.done}`,
        context,
      );
    }
    const { isWhole, ...end } = await actOn(selection, act, words.done, context);
    await print(end);
    if (!isWhole) throw new Error('stopped: run the command again for the rest');
  });
}

/** Runs until a signal to stop. `gone`: jobs that were no longer there. */
async function actOn(
  { failed, counts, read }: Selection,
  act: Act,
  verb: string,
  context: CommandContext,
): Promise<{ done: number; gone: number; isWhole: boolean }> {
  let isStopped = false;
  void untilStopped(context).then(() => (isStopped = true));
  const progress = createProgress(context.stderr);
  progress.start(verb, 'job', counts.total);
  let [done, seen, inDoubt] = [0, 0, 0];
  try {
    for await (const jobs of read()) {
      inDoubt = jobs.length;
      done += await act(failed, jobs);
      inDoubt = 0;
      seen += jobs.length;
      progress.show(seen);
      if (isStopped) break;
    }
  } catch (error) {
    if (!isLostConnection(error)) throw error;
    const soFar = `${numberText(done)} ${verb} for certain, ${numberText(inDoubt)} more perhaps`;
    throw new RedisAwayError(`the connection was lost (${soFar}); run the command again for the rest`);
  } finally {
    progress.end();
  }
  const isWhole = !isStopped || seen >= counts.total;
  // Jobs that vanished before they were read again are gone, too.
  return { done, gone: (isWhole ? Math.max(seen, counts.total) : seen) - done, isWhole };
}

async function withSelection(
  options: FailedFilter,
  context: CommandContext,
  work: (selection: Selection) => Promise<void>,
): Promise<void> {
  await withRedis(context, async (connection, config) => {
    checkInstance(options.instance, config, { more: [UNKNOWN] });
    const { prefix, jobs: name } = config.queues;
    const jobs = openQueue(name, { connection, prefix });
    const instances = new Set(knownInstances(config));
    const failed = createFailedJobs({ prefix, jobs, connection, instances });
    const now = Date.now();
    // Later failures are not selected. The time of the newest failure counts: the workers' clocks may be ahead of ours.
    const newest = (await failed.newest()) ?? 0;
    const span = {
      since: options.newerThan === undefined ? -Infinity : Math.max(0, now - options.newerThan),
      upTo: options.olderThan === undefined ? newest : Math.min(newest, now - options.olderThan),
    };
    const read = () => matching(failed.read(span), options);
    const counts = await countJobs(read());
    // The number may have changed meanwhile.
    const others = Math.max(0, (await jobs.getFailedCount()) - counts.total);
    await work({ failed, counts, others, read });
  });
}

/** Omits pages without a selected job. */
async function* matching(
  pages: AsyncIterable<FailedJob[]>,
  { id, code, operation, instance }: FailedFilter,
): AsyncGenerator<FailedJob[]> {
  for await (const page of pages) {
    const jobs = page.filter(
      (job) =>
        (id === undefined || id.includes(job.jobId)) &&
        (code === undefined || code.includes(job.code)) &&
        (operation === undefined || operation === job.operation) &&
        (instance === undefined || instance === job.instance),
    );
    if (jobs.length > 0) yield jobs;
  }
}

/** @param most maximum number of jobs; 0 for all. */
async function* firstOf(pages: AsyncIterable<FailedJob[]>, most: number): AsyncGenerator<FailedJob[]> {
  let left = most === 0 ? Infinity : most;
  for await (const jobs of pages) {
    yield jobs.slice(0, left);
    left -= jobs.length;
    if (left <= 0) return;
  }
}
