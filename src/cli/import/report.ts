/**
 * What `damoov-users import` tells, as text and as JSON. No value of a row is ever told.
 */
import type { Place } from '../../store/imports/import-states.ts';
import { counted, numberText } from '../failed/report.ts';
import { OUTCOMES, type Report } from './import-report.ts';
import type { Survey } from './survey.ts';

/** A line for each fault, as far as they are kept, and how many there are besides. */
export function faultsText({ faults, faultCount }: Pick<Survey, 'faults' | 'faultCount'>): string {
  const lines = faults.map(({ line, column, message }) =>
    column === undefined ? `line ${line}: ${message}` : `line ${line}, ${column}: ${message}`,
  );
  const more = faultCount - faults.length;
  return [...lines, ...(more > 0 ? [`… ${counted(more, 'fault')} more`] : [])].join('\n');
}

export function faultsJson({ rows, faults, faultCount, faulty, isReadable }: Survey): object {
  return { rows, faultyRows: faulty.size, faultCount, isReadable, faults };
}

export interface Result {
  id: string;
  rows: number;
  place: Place;
  /** How many rows earlier runs had added. */
  addedBefore: number;
  report: Pick<Report, 'counts'> | undefined;
}

/** What the import came to. */
export function resultText({ id, rows, place, addedBefore, report }: Result, isJson: boolean): string {
  const { added, skipped } = place;
  const counts = report?.counts;
  const addedByThisRun = byThisRun(place, addedBefore);
  if (isJson) {
    const told = { import: id, rows, added, addedByThisRun, skipped };
    return JSON.stringify({ ...told, ...(counts && { outcomes: counts }) });
  }
  const now = addedBefore > 0 ? ` (${numberText(addedByThisRun)} by this run)` : '';
  const told = [`${numberText(added)} added${now}`];
  if (skipped > 0) told.push(`${numberText(skipped)} skipped`);
  return `${counted(rows, 'row')}: ${told.join(', ')}${outcomesText(counts)}`;
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

/** The import was complete before. @param report how its jobs have ended, where that was asked for. */
export function completeText(
  { added, skipped }: Place,
  sinceMs: number,
  report: Pick<Report, 'counts'> | undefined,
  isJson: boolean,
): string {
  const completeSince = new Date(sinceMs).toISOString();
  const counts = report?.counts;
  if (isJson) {
    const told = { added: 0, completeSince, addedBefore: added, skippedBefore: skipped };
    return JSON.stringify({ ...told, ...(counts && { outcomes: counts }) });
  }
  const rows = counted(added, 'row');
  return `complete since ${completeSince}, with ${rows} added: nothing to add${outcomesText(counts)} (--again adds them once more)`;
}

function outcomesText(counts: Report['counts'] | undefined): string {
  if (counts === undefined) return '';
  const ended = OUTCOMES.filter((outcome) => counts[outcome] > 0 && outcome !== 'invalid');
  const told = ended.map((outcome) => `${numberText(counts[outcome])} ${outcome}`);
  return told.length > 0 ? `; ${told.join(', ')}` : '';
}
