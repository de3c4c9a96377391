/**
 * Goes through a file that was surveyed, from where its import stands to the end, and begins anew from where it really stands
 * as often as it must.
 */
import type { ImportRun } from '../../bullmq/imports.ts';
import { type RowOptions, readRows } from '../../rows/read-rows.ts';
import type { Place } from '../../store/imports/import-states.ts';
import { type AdderOptions, createAdder } from './adder.ts';
import { ImportMoved } from './import-moved.ts';
import { jobDataOf } from './row-job.ts';
import { type Source, refuseChanged } from './source.ts';
import type { Survey } from './survey.ts';

export interface GoThroughOptions extends AdderOptions {
  source: Source;
  rows: RowOptions;
  survey: Survey;
}

export interface AddRowsOptions extends GoThroughOptions {
  /** Takes the import up, where it stands now. */
  begin: () => Promise<ImportRun>;
}

/** @throws if another run has taken the import over, or Redis is away for too long; and what the signal is aborted with. */
export async function addRows(begun: ImportRun, options: AddRowsOptions): Promise<Place> {
  const { patiently, begin } = options;
  for (let run = begun; ;) {
    try {
      const place = await goThrough(run, options);
      await refuseChanged(options.source);
      const answer = await patiently(() => run.complete(place));
      if (answer.is === 'complete') return place;
      throw new ImportMoved(answer);
    } catch (error) {
      if (!(error instanceof ImportMoved) || !error.isOurs) throw error;
      run = await patiently(begin);
    }
  }
}

/** Adds the rows behind where the import stands, and follows all whose ends are to be reported. */
export async function goThrough(run: ImportRun, options: GoThroughOptions): Promise<Place> {
  const { source, survey, signal, ends, maxWaiting } = options;
  const adder = createAdder(run, options);
  for await (const row of readRows(source.bytes(), options.rows)) {
    signal.throwIfAborted();
    if (row.is === 'empty') continue;
    const { line } = row;
    const data = row.is === 'row' && !survey.faulty.has(line) ? jobDataOf(row.data) : undefined;
    if (data === undefined) await ends?.skip(line);
    if (line > adder.place.line) {
      await adder.put(line, data);
    } else if (data !== undefined && ends?.isReported(line) === false) {
      // An earlier run has added it, and did not see its end.
      await ends.waitFor(run, maxWaiting - 1);
      ends.follow(line, data);
    }
  }
  await adder.flush();
  await ends?.waitFor(run, 0);
  return adder.place;
}
