/**
 * `damoov-users failed list|retry|drop`: which jobs have failed, and what is to become of them. Counts first, and changes
 * nothing that nobody has confirmed.
 */
import { openQueue } from '../../bullmq/open-queue.ts';
import { RedisAwayError, isLostConnection } from '../../redis/connection.ts';
import { type FailedJob, type FailedJobs, UNKNOWN, createFailedJobs } from '../../bullmq/failed-jobs.ts';
import { confirm, isTerminal } from '../terminal/confirm.ts';
import type { CommandContext } from '../shared/command-context.ts';
import {
  type Counts,
  countJobs,
  counted,
  countsText,
  jobJson,
  leftOutText,
  type LeftOut,
  numberText,
  tableOf,
} from './report.ts';
import { type Output, outputOf } from '../terminal/output.ts';
import { untilStopped } from '../terminal/until-stopped.ts';
import { UsageError } from '../shared/usage-error.ts';
import { withRedis } from '../shared/with-redis.ts';

export interface FailedFilter {
  /** Of jobs. */
  id?: string[];
  code?: string[];
  operation?: string;
  instance?: string;
  /** Milliseconds since the job failed, at the least. */
  olderThan?: number;
  /** Milliseconds since the job failed, at the most. */
  newerThan?: number;
  json?: boolean;
}

export interface FailedListOptions extends FailedFilter {
  /** How many jobs are shown; 0 for all. */
  limit: number;
}

export interface FailedChangeOptions extends FailedFilter {
  /** Nobody is asked. */
  yes?: boolean;
}

/** The jobs that are meant, as they are when the command starts. */
interface Selection {
  failed: FailedJobs;
  counts: Counts;
  leftOut: LeftOut;
  read: () => AsyncIterable<FailedJob[]>;
}

/** Shows the counts, then the oldest jobs. */
export async function listFailed(options: FailedListOptions, context: CommandContext): Promise<void> {
  const out = outputOf(context.stdout);
  await withSelection(options, context, async ({ counts, leftOut, read }) => {
    if (options.json === true) return listAsJson(out, options.limit, { counts, leftOut }, read());
    const note = leftOutText(counts.total, leftOut);
    if (note !== undefined && !(await out.line(note))) return;
    if (counts.total === 0) return;
    if (!(await out.line(`${countsText(counts)}\n`))) return;
    let shown = 0;
    for await (const jobs of firstOf(read(), options.limit)) {
      const lines = tableOf(jobs, Date.now(), context.stdout.columns);
      // Nobody knows how wide all of them are without holding all: each page has widths of its own, and one heading is enough.
      if (!(await out.line((shown === 0 ? lines : lines.slice(1)).join('\n')))) return;
      shown += jobs.length;
    }
    if (shown < counts.total) await out.line(`… ${numberText(counts.total - shown)} more (--limit)`);
  });
}

async function listAsJson(
  out: Output,
  limit: number,
  head: Pick<Selection, 'counts' | 'leftOut'>,
  pages: AsyncIterable<FailedJob[]>,
): Promise<void> {
  if (limit === 0) {
    if (!(await out.line(JSON.stringify(head)))) return;
    for await (const jobs of pages) {
      if (!(await out.line(jobs.map((job) => JSON.stringify(jobJson(job))).join('\n')))) return;
    }
    return;
  }
  const shown: object[] = [];
  for await (const jobs of firstOf(pages, limit)) shown.push(...jobs.map(jobJson));
  await out.line(JSON.stringify({ ...head, jobs: shown }));
}

/** Puts jobs back, with fresh attempts. */
export async function retryFailed(options: FailedChangeOptions, context: CommandContext): Promise<void> {
  await change({ verb: 'Retry', done: 'retried' }, options, context, (failed, jobs) => failed.retry(jobs));
}

/** Removes jobs. */
export async function dropFailed(options: FailedChangeOptions, context: CommandContext): Promise<void> {
  await change({ verb: 'Drop', done: 'dropped' }, options, context, (failed, jobs) => failed.drop(jobs));
}

async function change(
  words: { verb: string; done: string },
  options: FailedChangeOptions,
  context: CommandContext,
  act: (failed: FailedJobs, jobs: FailedJob[]) => Promise<number>,
): Promise<void> {
  const out = outputOf(context.stdout);
  const tell = (done: number, gone: number) =>
    out.line(
      options.json === true
        ? JSON.stringify({ [words.done]: done, gone })
        : `${numberText(done)} ${words.done}${gone === 0 ? '' : `, ${numberText(gone)} gone meanwhile`}`,
    );
  await withSelection(options, context, async ({ failed, counts, leftOut, read }) => {
    const note = leftOutText(counts.total, leftOut);
    if (counts.total === 0) {
      await (options.json === true ? tell(0, 0) : out.line(note ?? ''));
      return;
    }
    if (note !== undefined) context.stderr.write(`${note}\n`);
    context.stderr.write(`${countsText(counts)}\n`);
    if (options.yes !== true) {
      if (!isTerminal(context)) {
        throw new UsageError(`nothing was ${words.done}: confirm with --yes, as there is no terminal to ask`);
      }
      if (!(await confirm(`${words.verb} ${counted(counts.total, 'job')}?`, context))) {
        throw new Error(`nothing was ${words.done}`);
      }
    }
    let isStopped = false;
    void untilStopped(context).then(() => (isStopped = true));
    const progress = progressOf(counts.total, context);
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
      progress.end();
      if (!isLostConnection(error)) throw error;
      const soFar = `${numberText(done)} ${words.done} for certain, ${numberText(inDoubt)} more perhaps`;
      throw new RedisAwayError(`the connection was lost (${soFar}); run the command again for the rest`);
    }
    progress.end();
    const isWhole = !isStopped || seen >= counts.total;
    // Those that went before they were read again are gone as well.
    await tell(done, (isWhole ? Math.max(seen, counts.total) : seen) - done);
    if (!isWhole) throw new Error('stopped: run the command again for the rest');
  });
}

async function withSelection(
  options: FailedFilter,
  context: CommandContext,
  work: (selection: Selection) => Promise<void>,
): Promise<void> {
  await withRedis(context, async (connection, config) => {
    const names = config.damoov === 'sandbox' ? ['default'] : Object.keys(config.damoov.instances);
    if (options.instance !== undefined && ![...names, UNKNOWN].includes(options.instance)) {
      throw new UsageError(
        `--instance: there is no such instance (known: ${[...names, UNKNOWN].join(', ')})`,
      );
    }
    const { prefix, jobs: name } = config.queues;
    const jobs = openQueue(name, { connection, prefix });
    const failed = createFailedJobs({ prefix, jobs, connection, instances: new Set(names) });
    const now = Date.now();
    // What fails from here on is not meant; and the clocks of the workers decide, which may be ahead of ours.
    const newest = (await failed.newest()) ?? 0;
    const span = {
      since: options.newerThan === undefined ? -Infinity : Math.max(0, now - options.newerThan),
      upTo: options.olderThan === undefined ? newest : Math.min(newest, now - options.olderThan),
    };
    let unknown = 0;
    const counts = await countJobs(matching(failed.read(span), options, () => (unknown += 1)));
    // Some may have come or gone meanwhile.
    const others = Math.max(0, (await jobs.getFailedCount()) - counts.total);
    const read = () => matching(failed.read(span), options);
    await work({ failed, counts, leftOut: { others, unknown }, read });
  });
}

/**
 * Pages that hold nothing that is meant are left out.
 * @param onUnknown called for each job that is left out only because the filter asks for what is not known of it.
 */
async function* matching(
  pages: AsyncIterable<FailedJob[]>,
  { id, code, operation, instance }: FailedFilter,
  onUnknown: () => void = () => {},
): AsyncGenerator<FailedJob[]> {
  const answers = (job: FailedJob): (boolean | 'unknown')[] => [
    id === undefined || id.includes(job.jobId),
    answer(job.code, code),
    answer(job.operation, operation === undefined ? undefined : [operation]),
    answer(job.instance, instance === undefined ? undefined : [instance]),
  ];
  for await (const page of pages) {
    const jobs = page.filter((job) => {
      const all = answers(job);
      if (all.includes(false)) return false;
      if (all.includes('unknown')) onUnknown();
      return !all.includes('unknown');
    });
    if (jobs.length > 0) yield jobs;
  }
}

function answer(value: string, wanted: readonly string[] | undefined): boolean | 'unknown' {
  if (wanted === undefined || wanted.includes(value)) return true;
  return value === UNKNOWN ? 'unknown' : false;
}

/** @param most how many jobs in all; 0 for all. */
async function* firstOf(pages: AsyncIterable<FailedJob[]>, most: number): AsyncGenerator<FailedJob[]> {
  let left = most === 0 ? Infinity : most;
  for await (const jobs of pages) {
    yield jobs.slice(0, left);
    left -= jobs.length;
    if (left <= 0) return;
  }
}

/** One line that overwrites itself, on a terminal, where it takes long enough for anybody to wonder. */
function progressOf(total: number, { stderr }: CommandContext): { show(seen: number): void; end(): void } {
  const isShown = stderr.isTTY === true && total > 2000;
  return {
    show: (seen) => void (isShown && stderr.write(`\r${numberText(seen)} of ${numberText(total)}`)),
    end: () => void (isShown && stderr.write('\n')),
  };
}
