/**
 * What the commands about deletions show, as text and as JSON; times in ISO 8601.
 */
import type { Deletion } from '../../store/deletions/deletion-list.ts';
import type { Cancellation, Scheduled } from '../../store/deletions/deletions.ts';
import { instantText, spanInWords } from '../../contract/duration.ts';
import { counted } from '../failed/report.ts';
import { noteLine } from '../terminal/note.ts';
import { onOneLine } from '../terminal/one-line.ts';

type Answer = Scheduled | Cancellation;

const WORDS: Record<Cancellation, string> = {
  cancelled: 'cancelled: the user is not deleted',
  'too-late': 'too late: the deletion is being carried out, or has failed after it may have been sent',
  done: 'done: the deletion was carried out',
  none: 'none: no deletion of this user is known to be pending',
};

/** One line; with `isJson` for machines. */
export function scheduledText(answer: Answer, now: number, isJson: boolean): string {
  if (typeof answer === 'string') return isJson ? JSON.stringify({ is: answer }) : WORDS[answer];
  const { is, jobId, dueAt, requestedAt } = answer;
  if (isJson) return JSON.stringify({ is, jobId, dueAt: json(dueAt), requestedAt: json(requestedAt) });
  return `${is}: ${jobId}, due ${dueText(dueAt)} (${inText(dueAt - now)})`;
}

/** The first line of the list. */
export const HEADING = ['due', 'in', 'instance', 'client', 'user', 'job'].join('\t');

/** One line of the list. */
export function deletionText(deletion: Deletion & { isHeld: boolean }, now: number, isJson: boolean): string {
  const { dueAt, requestedAt, isHeld, ...rest } = deletion;
  if (isJson) {
    return JSON.stringify({
      ...rest,
      dueAt: json(dueAt),
      requestedAt: json(requestedAt),
      ...(isHeld && { isHeld }),
    });
  }
  const { instance, clientId = '-', userId = '-', jobId } = deletion;
  return [
    dueText(dueAt),
    `${isHeld ? 'held by the brake' : inText(dueAt - now)}${deletion.isForeign === true ? ', added by another client' : ''}`,
    instance,
    clientId,
    userId,
    jobId,
  ]
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

/** Null for a time that no calendar has: another client may have written any number. */
function json(ms: number): string | null {
  return instantText(ms) ?? null;
}

/** What the list does not show. */
export interface Unlisted {
  shown: number;
  isFiltered: boolean;
  /** More than were asked for are pending. */
  isCut: boolean;
  /** Jobs that are called deletions, and whose data cannot be read. */
  unreadable: number;
  /** Jobs of any kind that are in line or at work: a deletion that is due may be among them. */
  inLine: number;
}

/** Undefined where the list shows all that there is. */
export function unlistedText(unlisted: Unlisted, isJson: boolean): string | undefined {
  const { shown, isFiltered, isCut, unreadable, inLine } = unlisted;
  const sentences = [
    isCut ? '… more (--next)' : '',
    shown === 0 ? `No ${isFiltered ? 'such ' : ''}deletion is pending.` : '',
    unreadable === 0
      ? ''
      : `Of ${counted(unreadable, 'pending deletion')} the data cannot be read: ${unreadable === 1 ? 'it is' : 'they are'} not shown, and will fail as invalid-job.`,
    // A list of all that is pending is no claim about what is due.
    inLine === 0 || (shown > 0 && !isFiltered)
      ? ''
      : `${counted(inLine, 'job is', 'jobs are')} in line or at work, and not looked through: a deletion that is due may be among them.`,
  ].filter((sentence) => sentence !== '');
  if (sentences.length === 0) return undefined;
  return noteLine(sentences, { shown, isCut, unreadable, inLine }, isJson);
}
