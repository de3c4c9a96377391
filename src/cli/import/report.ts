/**
 * Formats the output of `damoov-users import`, as text and as JSON. Never shows a value of a row.
 */
import type { ImportRun } from '../../bullmq/imports.ts';
import type { Place } from '../../store/imports/import-states.ts';
import { counted, jsonLine, numberText } from '../terminal/text.ts';
import { OUTCOMES, type ReportFile } from './report-file.ts';
import type { Survey } from './survey.ts';

/** A line for each kept fault, and the number of further ones. */
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
  addedBefore: number;
  /** Epoch milliseconds; undefined if this run has completed it. */
  completeSince: ImportRun['completeSince'];
  report: Pick<ReportFile, 'counts'> | undefined;
}

export function resultText(result: Result, isJson: boolean): string {
  const { id, rows, place, addedBefore, completeSince, report } = result;
  const { added, skipped } = place;
  const addedByThisRun = byThisRun(place, addedBefore);
  const outcomes = report?.counts;
  if (isJson) return jsonLine({ import: id, rows, added, addedByThisRun, skipped, completeSince, outcomes });
  if (completeSince !== undefined) {
    const since = new Date(completeSince).toISOString();
    return `complete since ${since}, with ${counted(added, 'row')} added: nothing to add${outcomesText(outcomes)} (--again adds them again)`;
  }
  const now = addedBefore > 0 ? ` (${numberText(addedByThisRun)} by this run)` : '';
  const left = skipped > 0 ? `, ${numberText(skipped)} skipped` : '';
  return `${counted(rows, 'row')}: ${numberText(added)} added${now}${left}${outcomesText(outcomes)}`;
}

export function placeText(place: Place, addedBefore: number): string {
  const now = addedBefore > 0 ? `, ${numberText(byThisRun(place, addedBefore))} of them by this run` : '';
  return `${counted(place.added, 'row is', 'rows are')} added${now}, up to line ${place.line}`;
}

/** If Redis lost rows, it also lost those of earlier runs. */
function byThisRun({ added }: Place, addedBefore: number): number {
  return Math.max(0, added - addedBefore);
}

function outcomesText(counts: ReportFile['counts'] | undefined): string {
  if (counts === undefined) return '';
  const ended = OUTCOMES.filter((outcome) => counts[outcome] > 0 && outcome !== 'invalid');
  const texts = ended.map((outcome) => `${numberText(counts[outcome])} ${outcome}`);
  return texts.length > 0 ? `; ${texts.join(', ')}` : '';
}
