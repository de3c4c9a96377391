/**
 * Follows the jobs of rows until they end, and writes each end into the report. Holds the jobs that have not ended; how many
 * that may be is decided elsewhere.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { FAILURE_CODES } from '../../contract/outcome.ts';
import type { ImportRun, JobEnd } from '../../bullmq/imports.ts';
import type { JobData } from './row-job.ts';
import { LostGround } from './lost-ground.ts';
import type { Patiently } from './retry-while-away.ts';
import type { Report, RowEnd } from './import-report.ts';

export interface Ends {
  /** Whether the report tells of this line. */
  isTold(line: number): boolean;
  /** This row is none that is added. */
  skip(line: number, data: JobData): Promise<void>;
  /** The job of this row is to be followed. */
  follow(line: number, data: JobData): void;
  /** Waits until no more jobs than so many have not ended. */
  waitFor(run: ImportRun, mostOpen: number): Promise<void>;
}

export interface EndsOptions {
  report: Report;
  patiently: Patiently;
  signal: AbortSignal;
  /** Whether a job whose end Redis keeps no longer is carried out once more to learn it, or told as unknown. */
  repeatsGone: boolean;
  /** Told how many jobs have not ended. */
  onLook: (open: number) => void;
}

/** How many jobs one script looks at. */
const MOST_JOBS = 500;
/** Between two looks, for each job that is looked at, in milliseconds: Redis spends some percent of its time on it. */
const LOOK_MS_EACH = 0.1;
const LOOK_MS = 50;

export function createEnds({ report, patiently, signal, repeatsGone, onLook }: EndsOptions): Ends {
  const open = new Map<number, JobData>();
  return {
    isTold: (line) => report.lines.has(line),
    skip: (line, { clientId }) =>
      report.add([{ line, clientId: textIn(clientId), outcome: 'invalid', code: 'invalid-job' }]),
    follow: (line, data) => void open.set(line, data),
    async waitFor(run, mostOpen) {
      while (open.size > mostOpen) {
        await look(run);
        onLook(open.size);
        if (open.size > mostOpen) await sleep(LOOK_MS + open.size * LOOK_MS_EACH, undefined, { signal });
      }
    },
  };

  async function look(run: ImportRun): Promise<void> {
    const lines = [...open.keys()];
    for (let from = 0; from < lines.length; from += MOST_JOBS) {
      const found = await patiently(() => run.endsOf(lines.slice(from, from + MOST_JOBS)));
      if (found.is === 'over') throw new LostGround(found);
      const told: RowEnd[] = [];
      for (const [line, end] of found.ends) {
        const data = open.get(line) ?? {};
        const clientId = textIn(data['clientId']);
        if (end.is !== 'gone') told.push(rowEndOf(line, clientId, end));
        // What it came to is known no more. Done again it changes nothing, and its answer is the same: the user is there.
        else if (repeatsGone) await patiently(() => run.addAgain(line, data));
        else told.push({ line, clientId, outcome: 'unknown' });
      }
      await report.add(told);
      for (const { line } of told) open.delete(line);
    }
  }
}

const Value = z.object({
  userId: z.string().optional(),
  existed: z.boolean().optional(),
  by: z.string().optional(),
});

function rowEndOf(line: number, clientId: string | undefined, end: Exclude<JobEnd, { is: 'gone' }>): RowEnd {
  if (end.is === 'failed') {
    const code = FAILURE_CODES.find((code) => end.reason.startsWith(`${code}:`)) ?? 'unknown';
    return { line, clientId, outcome: 'failed', code };
  }
  const { userId, existed, by } = Value.parse(JSON.parse(end.value));
  if (by !== undefined) return { line, clientId, userId, outcome: 'superseded', code: by };
  return { line, clientId, userId, outcome: existed === true ? 'existed' : 'created' };
}

function textIn(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
