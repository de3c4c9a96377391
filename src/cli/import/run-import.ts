/**
 * Carries out a validated import: begins it, continues it, or follows a complete one. Checks everything that could be refused before it
 * begins: a refused call changes nothing.
 */
import { randomUUID } from 'node:crypto';
import type { ImportRun, Imports } from '../../bullmq/imports.ts';
import type { RowOptions } from '../../rows/read-rows.ts';
import type { Place } from '../../store/imports/import-states.ts';
import type { Output } from '../terminal/output.ts';
import type { Progress } from '../terminal/progress.ts';
import { counted } from '../terminal/text.ts';
import { addRows, processRows } from './add-rows.ts';
import { createJobFollower } from './job-follower.ts';
import { ImportTakenOver } from './import-taken-over.ts';
import { type ReportFile, openReportFile } from './report-file.ts';
import { resultText } from './report.ts';
import type { RetryWhileAway } from './retry-while-away.ts';
import type { ImportOptions } from './run.ts';
import { type Source, refuseChanged } from './source.ts';
import type { Survey } from './survey.ts';

export interface ImportContext {
  options: ImportOptions;
  out: Output;
  progress: Progress;
  /** Aborted by Ctrl-C and similar signals. */
  signal: AbortSignal;
  /** The import's place, as far as this run knows. */
  place?: Place;
  addedBefore: number;
}

/** The file, and the calls to Redis about it. */
export interface Task {
  source: Source;
  rows: RowOptions;
  found: Survey;
  imports: Imports;
  retryWhileAway: RetryWhileAway;
  /** When the list was made, in epoch milliseconds. */
  asOf: number;
}

/** @returns false if a report was requested and has failed jobs, or jobs with an unknown result. */
export async function runImport(task: Task, context: ImportContext): Promise<boolean> {
  const { found, imports, retryWhileAway, asOf } = task;
  const { report: path, again: isAgain = false, json = false } = context.options;
  const before = await retryWhileAway(() => imports.look(found.id));
  const goesOn = before !== undefined && !(isAgain && before.completeSince !== undefined);
  const begunAt = goesOn ? before.begunAt : Date.now();
  // The import's id identifies the list and how it is read.
  const report = path === undefined ? undefined : await openReportFile(path, `${found.id}-${begunAt}`);
  try {
    const beginOptions = { run: randomUUID(), isAgain, begunAt, asOf };
    const begin = async () => {
      const begun = await imports.begin(found.id, beginOptions);
      if (report !== undefined && begun.begunAt !== begunAt) {
        throw new Error('another run began this import meanwhile: run the command again');
      }
      return begun;
    };
    const begun = await retryWhileAway(begin);
    const { completeSince } = begun;
    context.place = begun.place;
    context.addedBefore = begun.place.added;
    const place = await carryOut(begun, begin, report, task, context);
    const { addedBefore } = context;
    const result = { id: found.id, rows: found.rows, place, addedBefore, completeSince, report };
    await context.out.line(resultText(result, json));
    return (report?.counts.failed ?? 0) + (report?.counts.unknown ?? 0) === 0;
  } finally {
    await report?.close();
  }
}

/** Adds the remaining rows, and follows all jobs if there is a report. */
async function carryOut(
  begun: ImportRun,
  begin: () => Promise<ImportRun>,
  report: ReportFile | undefined,
  { source, rows, found, retryWhileAway }: Task,
  context: ImportContext,
): Promise<Place> {
  const { options, progress, signal } = context;
  const isComplete = begun.completeSince !== undefined;
  if (isComplete && report === undefined) return begun.place;
  const { added, skipped, line } = begun.place;
  if (line > 0 && !isComplete)
    progress.say(`going on after line ${line}: ${counted(added, 'row was', 'rows were')} added before`);
  const doneBefore = isComplete ? (report?.lines.size ?? 0) : added + skipped;
  progress.start(isComplete ? 'following' : 'adding', 'row', found.rows, doneBefore);
  const show = (note?: string) => {
    const { place = begun.place } = context;
    progress.show(isComplete ? (report?.lines.size ?? 0) : place.added + place.skipped, note);
  };
  const onLook = (open: number) => show(`${counted(open, 'job')} to end`);
  const follower =
    report && createJobFollower({ report, retryWhileAway, signal, repeatsGone: !isComplete, onLook });
  const onAdded = (place: Place, waiting?: number) => {
    context.place = place;
    show(waiting === undefined ? undefined : counted(waiting, 'job waits', 'jobs wait'));
  };
  const { maxWaiting } = options;
  const through = { source, rows, survey: found, retryWhileAway, maxWaiting, follower, signal, onAdded };
  const place = isComplete
    ? await processRows(begun, through).catch((error: unknown) => {
        if (!(error instanceof ImportTakenOver) || !error.isOurs) throw error;
        throw new Error('Redis lost this import meanwhile: run it again', { cause: error });
      })
    : await addRows(begun, { ...through, begin });
  progress.end();
  await refuseChanged(source);
  return place;
}
