/**
 * Carries out an import whose file was judged: begins it, or goes on with it, or tells of one that is complete. Nothing is begun before
 * all that could be refused is known: a refused call changes nothing.
 */
import { randomUUID } from 'node:crypto';
import type { ImportRun, Imports } from '../../bullmq/imports.ts';
import type { RowOptions } from '../../rows/read-rows.ts';
import type { ImportState, Place } from '../../store/imports/import-states.ts';
import { counted } from '../failed/report.ts';
import type { ImportOptions } from './run.ts';
import type { Output } from '../terminal/output.ts';
import type { Progress } from '../terminal/progress.ts';
import { UsageError } from '../shared/usage-error.ts';
import type { Identify } from './anonymous-rows.ts';
import { type GoThroughOptions, addRows, goThrough } from './add-rows.ts';
import { type Ends, createEnds } from './ends.ts';
import { completeText, resultText } from './report.ts';
import { LostGround } from './lost-ground.ts';
import type { Patiently } from './retry-while-away.ts';
import { type Report, openReport } from './import-report.ts';
import { type Source, refuseChanged } from './source.ts';
import type { Survey } from './survey.ts';

/** What the whole command works with. */
export interface Desk {
  options: ImportOptions;
  out: Output;
  progress: Progress;
  /** Aborted by Ctrl-C, and the like. */
  signal: AbortSignal;
  /** Where the import stands, as far as this run has seen. */
  place?: Place;
  /** How many rows earlier runs had added. */
  addedBefore: number;
}

/** The file, and what is asked of Redis about it. */
export interface Task {
  source: Source;
  rows: RowOptions;
  found: Survey;
  /** As for the survey. */
  identify: Identify | undefined;
  imports: Imports;
  patiently: Patiently;
  /** When the list was made, in epoch milliseconds. */
  asOf: number;
}

/** @returns false where a report was asked for and tells of jobs that failed, or of whose ends nobody knows. */
export async function runImport(task: Task, desk: Desk): Promise<boolean> {
  const { source, found, imports, patiently, asOf } = task;
  const { report: path, spreadsheet: isForSheet = false, again: isAgain = false } = desk.options;
  const before = await patiently(() => imports.look(found.id));
  const goesOn = before !== undefined && !(isAgain && before.completeSince !== undefined);
  if (goesOn) refuseOtherWish(before, desk.options);
  const begunAt = goesOn ? before.begunAt : Date.now();
  const openOptions = { isForSheet, list: source.identity };
  const report = path === undefined ? undefined : await openReport(path, openOptions);
  try {
    report?.of(roundOf(found, begunAt));
    await report?.begin();
    const beginOptions = { run: randomUUID(), isAgain, begunAt, followsJobs: report !== undefined, asOf };
    const begin = async () => {
      const begun = await imports.begin(found.id, beginOptions);
      // Another run may have begun it meanwhile.
      report?.of(roundOf(found, begun.begunAt));
      return begun;
    };
    const begun = await patiently(begin);
    refuseOtherWish(begun, desk.options);
    desk.place = begun.place;
    desk.addedBefore = begun.place.added;
    if (begun.completeSince === undefined) return await add(begun, begin, report, task, desk);
    return await tellComplete(begun, begun.completeSince, report, task, desk);
  } finally {
    await report?.close();
  }
}

/** The import's id tells the list and how it is read. */
function roundOf({ id }: Pick<Survey, 'id'>, begunAt: number): string {
  return `${id}-${begunAt}`;
}

/** Whether a report is written is fixed when an import begins: what earlier runs added was followed, or was not. */
function refuseOtherWish({ completeSince, followsJobs }: ImportState, { report }: ImportOptions): void {
  if (completeSince !== undefined || followsJobs === (report !== undefined)) return;
  const wish = followsJobs ? 'with --report: give it again' : 'without --report: leave it out';
  throw new UsageError(`this import was begun ${wish}`);
}

async function add(
  begun: ImportRun,
  begin: () => Promise<ImportRun>,
  report: Report | undefined,
  task: Task,
  desk: Desk,
): Promise<boolean> {
  const { source, found, patiently } = task;
  const { options, out, progress, signal, addedBefore } = desk;
  const { added, skipped, line } = begun.place;
  if (line > 0)
    progress.say(`going on after line ${line}: ${counted(added, 'row was', 'rows were')} added before`);
  progress.start('adding', 'row', found.rows, added + skipped);
  const show = (note?: string) => {
    const { place = begun.place } = desk;
    progress.show(place.added + place.skipped, note);
  };
  const onLook = (open: number) => show(endsText(open));
  const ends = report && createEnds({ report, patiently, signal, repeatsGone: true, onLook });
  const onAdded = (place: Place, waiting?: number) => {
    desk.place = place;
    show(waiting === undefined ? undefined : counted(waiting, 'job waits', 'jobs wait'));
  };
  const place = await addRows(begun, { ...goThroughOptions(ends, task, desk), onAdded, begin });
  progress.end();
  if (await source.hasChanged()) throw new Error('the file was changed while it was imported: run it again');
  const result = { id: found.id, rows: found.rows, place, addedBefore, report };
  await out.line(resultText(result, options.json ?? false));
  return (report?.counts.failed ?? 0) === 0;
}

/** With a report also how its jobs have ended; one that Redis keeps no longer is not carried out once more for that. */
async function tellComplete(
  begun: ImportRun,
  since: number,
  report: Report | undefined,
  task: Task,
  desk: Desk,
): Promise<boolean> {
  const { source, found, patiently } = task;
  const { options, out, progress, signal } = desk;
  if (report !== undefined) {
    progress.start('following', 'row', found.rows, report.lines.size);
    const onLook = (open: number) => progress.show(report.lines.size, endsText(open));
    const ends = createEnds({ report, patiently, signal, repeatsGone: false, onLook });
    await goThrough(begun, goThroughOptions(ends, task, desk)).catch((error: unknown) => {
      if (!(error instanceof LostGround) || !error.isOurs) throw error;
      throw new Error('Redis has lost this import meanwhile: run it again', { cause: error });
    });
    progress.end();
    await refuseChanged(source);
  }
  await out.line(completeText(begun.place, since, report, options.json ?? false));
  return (report?.counts.failed ?? 0) + (report?.counts.unknown ?? 0) === 0;
}

function endsText(open: number): string {
  return `${counted(open, 'job')} to end`;
}

function goThroughOptions(
  ends: Ends | undefined,
  { source, rows, found, identify, patiently }: Task,
  { options: { maxWaiting }, signal }: Desk,
): GoThroughOptions {
  return { source, rows, survey: found, identify, patiently, maxWaiting, ends, signal, onAdded: () => {} };
}
