/**
 * What `damoov-users failed` shows, as text and as JSON. Shows of a job what the failed set tells, and no more.
 */
import type { FailedJob } from '../../bullmq/failed-jobs.ts';
import { durationText, instantText } from '../../contract/duration.ts';

/** How many jobs there are of each code and operation. */
export interface Counts {
  total: number;
  by: { code: string; operation: string; jobs: number }[];
}

/** What a filter has left out. */
export interface LeftOut {
  /** Failed jobs that do not match. */
  others: number;
  /** How many of them might: what the filter asks for is not known of them. */
  unknown: number;
}

/** What is said where the filter cannot see everything, or nothing matches; undefined where all is told. */
export function leftOutText(total: number, { others, unknown }: LeftOut): string | undefined {
  const doubt =
    unknown === 0
      ? ''
      : `Of ${counted(unknown, 'failed job')} that ${unknown === 1 ? 'is' : 'are'} left out the code, operation or instance is not known (\`unknown\`).`;
  if (total > 0) return doubt === '' ? undefined : doubt;
  if (others === 0) return 'There is no failed job; each is kept for 14 days.';
  return `No failed job matches, ${counted(others, 'other')} ${others === 1 ? 'does' : 'do'} not. ${doubt}`.trim();
}

/** Counts jobs and keeps none. */
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

/** A line for each code and operation, the most frequent first, and the total. */
export function countsText({ total, by }: Counts): string {
  const rows = by.map(({ code, operation, jobs }) => [numberText(jobs), code, operation]);
  return [...aligned(rows), `${numberText(total)} in all`].join('\n');
}

/** `1 event`, `1,234 events`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${numberText(count)} ${count === 1 ? one : many}`;
}

export function numberText(count: number): string {
  return count.toLocaleString('en-US');
}

/**
 * The jobs as lines with a heading.
 * @param now epoch milliseconds, from which ages count.
 * @param columns the width of the terminal: longer lines are cut. Undefined: none is.
 */
export function tableOf(jobs: readonly FailedJob[], now: number, columns: number | undefined): string[] {
  const rows = jobs.map((job) => [
    instantText(job.failedAt) === undefined ? '-' : durationText(now - job.failedAt),
    numberText(job.attempts),
    job.operation,
    job.instance,
    onOneLine(job.jobId),
    job.code,
    onOneLine(job.message),
  ]);
  const heading = ['age', 'attempts', 'operation', 'instance', 'job', 'code', 'message'];
  return aligned([heading, ...rows]).map((line) => cut(line, columns));
}

/** One job, for machines; times in ISO 8601. */
export function jobJson({ failedAt, addedAt, ...job }: FailedJob): object {
  return {
    ...job,
    failedAt: instantText(failedAt),
    addedAt: addedAt === undefined ? undefined : instantText(addedAt),
  };
}

/** Columns as wide as their widest cell; the last one ends where it ends. */
function aligned(rows: readonly string[][]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

/** Job ids and Damoov's words may hold line breaks, and what a terminal takes for commands. */
function onOneLine(text: string): string {
  return text.replaceAll(/[\p{C}\p{Z}]+/gu, ' ').trim();
}

function cut(line: string, columns: number | undefined): string {
  if (columns === undefined || line.length <= columns) return line;
  return `${line.slice(0, Math.max(0, columns - 1))}…`;
}
