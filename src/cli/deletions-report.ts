/**
 * What the commands about deletions show, as text and as JSON; times in ISO 8601.
 */
import type { Deletion } from '../redis/deletions/deletion-list.ts';
import type { Cancellation, Scheduled } from '../redis/deletions/deletions.ts';
import { durationText } from '../contract/duration.ts';
import { onOneLine } from './one-line.ts';

type Answer = Scheduled | Cancellation;

const WORDS: Record<Cancellation, string> = {
  cancelled: 'cancelled: the user is not deleted',
  'too-late': 'too late: the deletion is being carried out, or has failed after it may have been sent',
  done: 'done: the deletion was carried out',
  none: 'none: no such deletion is pending',
};

/** One line; with `isJson` for machines. */
export function scheduledText(answer: Answer, now: number, isJson: boolean): string {
  if (typeof answer === 'string') return isJson ? JSON.stringify({ is: answer }) : WORDS[answer];
  const { is, jobId, dueAt, requestedAt } = answer;
  if (isJson) return JSON.stringify({ is, jobId, dueAt: iso(dueAt), requestedAt: iso(requestedAt) });
  return `${is}: ${jobId}, due ${iso(dueAt)} (${inText(dueAt - now)})`;
}

/** The first line of the list. */
export const HEADING = ['due', 'in', 'instance', 'client', 'user', 'job'].join('\t');

/** One line of the list. */
export function deletionText(deletion: Deletion & { isHeld: boolean }, now: number, isJson: boolean): string {
  const { dueAt, requestedAt, isHeld, ...rest } = deletion;
  if (isJson) {
    return JSON.stringify({
      ...rest,
      dueAt: iso(dueAt),
      requestedAt: iso(requestedAt),
      ...(isHeld && { isHeld }),
    });
  }
  const { instance, clientId = '-', userId = '-', jobId } = deletion;
  return [iso(dueAt), isHeld ? 'held by the brake' : inText(dueAt - now), instance, clientId, userId, jobId]
    .map(onOneLine)
    .join('\t');
}

function inText(ms: number): string {
  return ms <= 0 ? 'now' : `in ${durationText(ms)}`;
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
