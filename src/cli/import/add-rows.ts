/**
 * Adds the rows of a surveyed file from the import's place to its end. Restarts from the real place whenever it turns out to differ.
 */
import type { ImportRun } from '../../bullmq/imports.ts';
import { type RowOptions, readRows } from '../../rows/read-rows.ts';
import type { Place } from '../../store/imports/import-states.ts';
import { type AdderOptions, createAdder } from './adder.ts';
import { ImportTakenOver } from './import-taken-over.ts';
import { toJobData } from './row-job.ts';
import { type Source, refuseChanged } from './source.ts';
import type { Survey } from './survey.ts';

export interface ProcessRowsOptions extends AdderOptions {
  source: Source;
  rows: RowOptions;
  survey: Survey;
}

export interface AddRowsOptions extends ProcessRowsOptions {
  /** Continues the import from its place in Redis. */
  begin: () => Promise<ImportRun>;
}

/** @throws if another run has taken over the import, Redis is away for too long, or the signal is aborted (its reason). */
export async function addRows(begun: ImportRun, options: AddRowsOptions): Promise<Place> {
  const { retryWhileAway, begin } = options;
  for (let run = begun; ;) {
    try {
      const place = await processRows(run, options);
      await refuseChanged(options.source);
      const answer = await retryWhileAway(() => run.complete(place));
      if (answer.is === 'complete') return place;
      throw new ImportTakenOver(answer);
    } catch (error) {
      if (!(error instanceof ImportTakenOver) || !error.isOurs) throw error;
      run = await retryWhileAway(begin);
    }
  }
}

/** Adds the rows after the import's place, and follows all jobs for the report. */
export async function processRows(run: ImportRun, options: ProcessRowsOptions): Promise<Place> {
  const { source, survey, signal, follower, maxWaiting } = options;
  const adder = createAdder(run, options);
  for await (const row of readRows(source.bytes(), options.rows)) {
    signal.throwIfAborted();
    if (row.is === 'empty') continue;
    const { line } = row;
    const data = row.is === 'row' && !survey.faulty.has(line) ? toJobData(row.data) : undefined;
    if (data === undefined) await follower?.skip(line);
    if (line > adder.place.line) {
      await adder.put(line, data);
    } else if (data !== undefined && follower?.isReported(line) === false) {
      // An earlier run added it, but did not see its end.
      await follower.waitFor(run, maxWaiting - 1);
      follower.follow(line, data);
    }
  }
  await adder.flush();
  await follower?.waitFor(run, 0);
  return adder.place;
}
