/**
 * Follows the jobs of rows until they end, and writes each outcome to the report. Holds the unfinished jobs; the caller limits their
 * number.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { ImportRun, JobEnd } from '../../bullmq/imports.ts';
import { FAILURE_CODES } from '../../contract/outcome.ts';
import { ImportTakenOver } from './import-taken-over.ts';
import type { ReportFile, RowEnd } from './report-file.ts';
import type { RetryWhileAway } from './retry-while-away.ts';
import type { JobData } from './row-job.ts';

export interface JobFollower {
  isReported(line: number): boolean;
  /** Reports that this row is not added. */
  skip(line: number): Promise<void>;
  follow(line: number, data: JobData): void;
  /** Waits until at most this many jobs are unfinished. */
  waitFor(run: ImportRun, mostOpen: number): Promise<void>;
}

export interface FollowerOptions {
  report: ReportFile;
  retryWhileAway: RetryWhileAway;
  signal: AbortSignal;
  /** Whether a job whose outcome Redis no longer has is added again to find it out, or reported as unknown. */
  repeatsGone: boolean;
  /** @param open number of unfinished jobs. */
  onLook: (open: number) => void;
}

/** Delay between two checks, per open job, in milliseconds: Redis spends a few percent of its time on it. */
const LOOK_MS_EACH = 0.1;
const LOOK_MS = 50;

export function createJobFollower({
  report,
  retryWhileAway,
  signal,
  repeatsGone,
  onLook,
}: FollowerOptions): JobFollower {
  const open = new Map<number, JobData>();

  async function look(run: ImportRun): Promise<void> {
    const found = await retryWhileAway(() => run.endsOf([...open.keys()]));
    if (found.is === 'over') throw new ImportTakenOver(found);
    const ended: RowEnd[] = [];
    for (const [line, end] of found.ends) {
      const data = open.get(line) ?? {};
      // The result has expired. Adding it again is safe: the create is idempotent.
      if (end.is === 'gone' && repeatsGone) await retryWhileAway(() => run.addAgain(line, data));
      else ended.push(rowEndOf(line, data, end));
    }
    await report.add(ended);
    for (const { line } of ended) open.delete(line);
  }

  return {
    isReported: (line) => report.lines.has(line),
    skip: (line) => report.add([{ line, outcome: 'invalid', code: 'invalid-job' }]),
    follow: (line, data) => void open.set(line, data),
    async waitFor(run, mostOpen) {
      while (open.size > mostOpen) {
        await look(run);
        onLook(open.size);
        if (open.size > mostOpen) await sleep(LOOK_MS + open.size * LOOK_MS_EACH, undefined, { signal });
      }
    },
  };
}

const Value = z.object({
  userId: z.string().optional(),
  existed: z.boolean().optional(),
  by: z.string().optional(),
});

function rowEndOf(line: number, { clientId: id }: JobData, end: JobEnd): RowEnd {
  const clientId = typeof id === 'string' ? id : undefined;
  if (end.is === 'gone') return { line, clientId, outcome: 'unknown' };
  if (end.is === 'failed') {
    const code = FAILURE_CODES.find((code) => end.reason.startsWith(`${code}:`)) ?? 'unknown';
    return { line, clientId, outcome: 'failed', code };
  }
  const { userId, existed, by } = Value.parse(JSON.parse(end.value));
  if (by !== undefined) return { line, clientId, userId, outcome: 'superseded', code: by };
  return { line, clientId, userId, outcome: existed === true ? 'existed' : 'created' };
}
