/**
 * What `damoov-users import` shows, as text and as JSON. No value of a row is ever shown.
 */
import type { ImportRun } from '../../bullmq/imports.ts';
import type { Place } from '../../store/imports/import-states.ts';
import { counted, jsonLine, numberText } from '../terminal/text.ts';
import { OUTCOMES, type ReportFile } from './report-file.ts';
import type { Survey } from './survey.ts';

/** A line for each fault, as far as they are kept, and how many there are besides. */
export function faultsText({ faults, faultCount }: Pick<Survey, 'faults' | 'faultCount'>): string {
  const lines = faults.map(({ line, column, message }) =>
    column === undefined ? `line ${line}: ${message}` : `line ${line}, ${column}: ${message}`,
  );
  const more = faultCount - faults.length;
  return [...lines, ...(more > 0 ? [`… ${counted(more, 'fault')} more`] : [])].join('\n');
}

export interface Result {
  id: string;
  rows: number;
  place: Place;
  /** How many rows earlier runs had added. */
  addedBefore: number;
  /** Epoch milliseconds; undefined if this run has completed it. */
  completeSince: ImportRun['completeSince'];
  report: Pick<ReportFile, 'counts'> | undefined;
}

/** What the import came to. */
export function resultText(result: Result, isJson: boolean): string {
  const { id, rows, place, addedBefore, completeSince, report } = result;
  const { added, skipped } = place;
  const addedByThisRun = byThisRun(place, addedBefore);
  const outcomes = report?.counts;
  if (isJson) return jsonLine({ import: id, rows, added, addedByThisRun, skipped, completeSince, outcomes });
  if (completeSince !== undefined) {
    const since = new Date(completeSince).toISOString();
    return `complete since ${since}, with ${counted(added, 'row')} added: nothing to add${outcomesText(outcomes)} (--again adds them once more)`;
  }
  const now = addedBefore > 0 ? ` (${numberText(addedByThisRun)} by this run)` : '';
  const left = skipped > 0 ? `, ${numberText(skipped)} skipped` : '';
  return `${counted(rows, 'row')}: ${numberText(added)} added${now}${left}${outcomesText(outcomes)}`;
}

/** How far an import has come that is not at its end. */
export function placeText(place: Place, addedBefore: number): string {
  const now = addedBefore > 0 ? `, ${numberText(byThisRun(place, addedBefore))} of them by this run` : '';
  return `${counted(place.added, 'row is', 'rows are')} added${now}, up to line ${place.line}`;
}

/** A Redis that has lost rows has lost those of earlier runs, too. */
function byThisRun({ added }: Place, addedBefore: number): number {
  return Math.max(0, added - addedBefore);
}

function outcomesText(counts: ReportFile['counts'] | undefined): string {
  if (counts === undefined) return '';
  const ended = OUTCOMES.filter((outcome) => counts[outcome] > 0 && outcome !== 'invalid');
  const texts = ended.map((outcome) => `${numberText(counts[outcome])} ${outcome}`);
  return texts.length > 0 ? `; ${texts.join(', ')}` : '';
}
