/**
 * Formats the output of the commands about deletions, as text and as JSON; times in ISO 8601.
 */
import { instantText, spanInWords } from '../../contract/duration.ts';
import type { Deletion } from '../../store/deletions/deletion-list.ts';
import { CANCELLATION_TEXTS } from '../../store/deletions/cancel-deletions.ts';
import type { Cancellation, Scheduled } from '../../store/deletions/deletions.ts';
import { counted, jsonLine, onOneLine } from '../terminal/text.ts';

/** One line; with `isJson` for machines. */
export function scheduledText(answer: Scheduled | Cancellation, now: number, isJson: boolean): string {
  if (typeof answer === 'string')
    return isJson ? jsonLine({ is: answer }) : `${answer.replace('-', ' ')}: ${CANCELLATION_TEXTS[answer]}`;
  const { is, jobId, dueAt, requestedAt } = answer;
  if (isJson) return jsonLine({ is, jobId, dueAt, requestedAt });
  return `${is}: ${jobId}, due ${dueText(dueAt)} (${inText(dueAt - now)})`;
}

/** The first line of the list. */
export const HEADING = ['due', 'in', 'instance', 'client', 'user', 'job'].join('\t');

/** One line of the list. */
export function deletionText(deletion: Deletion & { isHeld: boolean }, now: number, isJson: boolean): string {
  const { isHeld, hasBegun, isByOthers, instance, clientId = '-', userId = '-', jobId } = deletion;
  const isDue = !isHeld && hasBegun !== true;
  const dueAt = isDue ? deletion.dueAt : undefined;
  if (isJson) return jsonLine({ ...deletion, dueAt, isHeld: isHeld || undefined });
  const later = isHeld ? 'held by the deletion limit' : 'begun, and waits (see user)';
  const when = dueAt === undefined ? later : inText(dueAt - now);
  const due = isByOthers === true ? `${when}, added by another client` : when;
  return [dueAt === undefined ? '-' : dueText(dueAt), due, instance, clientId, userId, jobId]
    .map(onOneLine)
    .join('\t');
}

function inText(ms: number): string {
  if (Number.isNaN(ms)) return '-';
  if (ms <= 0) return 'now';
  return Number.isFinite(ms) ? `in ${spanInWords(ms)}` : 'never';
}

function dueText(ms: number): string {
  return instantText(ms) ?? (Number.isNaN(ms) ? 'unknown' : 'beyond the calendar');
}

/** What the list omits. */
export interface Unlisted {
  shown: number;
  /** More are pending than were requested. */
  isCut: boolean;
  /** Deletion jobs whose data cannot be read. */
  unreadable: number;
  /** Waiting and active jobs of any kind: a due deletion may be among them. */
  inLine: number;
}

/** Undefined if the list is complete; for machines a line with `note`. */
export function unlistedText(unlisted: Unlisted, isFiltered: boolean, isJson: boolean): string | undefined {
  const { shown, isCut, unreadable, inLine } = unlisted;
  // An unfiltered list does not claim that nothing else is due.
  const isClaim = shown === 0 || isFiltered;
  const note = [
    isCut ? '… more (--next)' : '',
    shown === 0 ? `No ${isFiltered ? 'such ' : ''}deletion is pending.` : '',
    unreadable > 0
      ? `${counted(unreadable, 'pending deletion has', 'pending deletions have')} unreadable data, and will fail as invalid-job.`
      : '',
    inLine > 0 && isClaim
      ? `${counted(inLine, 'job is', 'jobs are')} waiting or active, and not searched: a due deletion may be among them.`
      : '',
  ]
    .filter((sentence) => sentence !== '')
    .join(' ');
  if (note === '') return undefined;
  return isJson ? jsonLine({ note, ...unlisted }) : note;
}
