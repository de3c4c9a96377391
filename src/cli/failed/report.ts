/**
 * Formats the output of `damoov-users failed`. Shows only what the failed set contains.
 */
import type { FailedJob } from '../../bullmq/failed-jobs.ts';
import { durationText, instantText } from '../../contract/duration.ts';
import { aligned, counted, numberText, onOneLine } from '../terminal/text.ts';

/** How many jobs there are of each code and operation. */
export interface Counts {
  total: number;
  by: { code: string; operation: string; jobs: number }[];
}

/** Counts jobs without keeping them. */
export async function countJobs(pages: AsyncIterable<FailedJob[]>): Promise<Counts> {
  const rows = new Map<string, Counts['by'][number]>();
  let total = 0;
  for await (const jobs of pages) {
    total += jobs.length;
    for (const { code, operation } of jobs) {
      const row = rows.get(`${code} ${operation}`) ?? { code, operation, jobs: 0 };
      row.jobs += 1;
      rows.set(`${code} ${operation}`, row);
    }
  }
  return { total, by: [...rows.values()].sort((a, b) => b.jobs - a.jobs) };
}

/** A line for each code and operation, the most frequent first, and the total. @param others failed jobs that were not chosen. */
export function countsText({ total, by }: Counts, others: number): string {
  if (total === 0 && others === 0) return 'There is no failed job; each is kept for 14 days.';
  if (total === 0) return `No failed job matches, ${counted(others, 'other does', 'others do')} not.`;
  const rows = by.map(({ code, operation, jobs }) => [numberText(jobs), code, operation]);
  return [...aligned(rows), `${numberText(total)} in all`].join('\n');
}

/**
 * The jobs as lines with a heading.
 * @param now epoch milliseconds, from which ages count.
 * @param columns the width of the terminal: longer lines are cut. Default: no limit.
 */
export function tableOf(jobs: readonly FailedJob[], now: number, columns = Infinity): string[] {
  const rows = jobs.map((job) => [
    instantText(job.failedAt) === undefined ? '-' : durationText(now - job.failedAt),
    numberText(job.attempts),
    job.operation,
    job.instance,
    job.jobId,
    job.code,
    job.message.trim(),
  ]);
  const heading = ['age', 'attempts', 'operation', 'instance', 'job', 'code', 'message'];
  return aligned([heading, ...rows.map((row) => row.map(onOneLine))]).map((line) =>
    line.length <= columns ? line : `${line.slice(0, Math.max(0, columns - 1))}…`,
  );
}
