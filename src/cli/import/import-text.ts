/**
 * What `damoov-users import` tells, as text and as JSON. No value of a row is ever told.
 */
import type { Place } from '../../redis/imports/imports.ts';
import { numberText } from '../failed-report.ts';
import { OUTCOMES, type Report } from './report.ts';
import type { Survey } from './survey.ts';

/** A line for each fault, as far as they are kept, and how many there are besides. */
export function faultsText({ faults, faultCount }: Pick<Survey, 'faults' | 'faultCount'>): string {
  const lines = faults.map(({ line, column, message }) =>
    column === undefined ? `line ${line}: ${message}` : `line ${line}, ${column}: ${message}`,
  );
  const more = faultCount - faults.length;
  return [...lines, ...(more > 0 ? [`… ${numberText(more)} faults more`] : [])].join('\n');
}

export function faultsJson({ rows, faults, faultCount, faulty, isReadable }: Survey): object {
  return { rows, faultyRows: faulty.size, faultCount, isReadable, faults };
}

export interface Result {
  id: string;
  rows: number;
  place: Place;
  report: Pick<Report, 'counts'> | undefined;
}

/** What the import came to. */
export function resultText({ id, rows, place, report }: Result, isJson: boolean): string {
  const { added, skipped } = place;
  const counts = report?.counts;
  if (isJson)
    return JSON.stringify({ import: id, rows, added, skipped, ...(counts && { outcomes: counts }) });
  const told = [`${numberText(added)} added`, ...(skipped > 0 ? [`${numberText(skipped)} skipped`] : [])];
  const ended = counts && OUTCOMES.filter((outcome) => counts[outcome] > 0 && outcome !== 'invalid');
  const ends = ended?.map((outcome) => `${numberText(counts?.[outcome] ?? 0)} ${outcome}`).join(', ');
  return `${numberText(rows)} ${rows === 1 ? 'row' : 'rows'}: ${told.join(', ')}${ends ? `; ${ends}` : ''}`;
}

/** The import was complete before. */
export function completeText({ added, skipped }: Place, sinceMs: number, isJson: boolean): string {
  const since = new Date(sinceMs).toISOString();
  if (isJson)
    return JSON.stringify({ added: 0, completeSince: since, addedBefore: added, skippedBefore: skipped });
  return `complete since ${since}, with ${numberText(added)} rows added: nothing to add (--again adds them once more)`;
}
