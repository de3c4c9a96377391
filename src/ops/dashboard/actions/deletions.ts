/**
 * Cancels or moves the pending deletion of a user.
 */
import { z } from 'zod';
import { instantMsOf, instantText, spanInWords } from '../../../contract/duration.ts';
import { CANCELLATION_TEXTS } from '../../../store/deletions/cancel-deletions.ts';
import type { Deletion } from '../../../store/deletions/deletion-list.ts';
import { type DeletionOf, createDeletions, dueFaultOf } from '../../../store/deletions/deletions.ts';
import { shownId } from '../markup.ts';
import { InputFault } from '../input-fault.ts';
import { Id, actionOf } from './action.ts';

const USER = { clientId: Id.optional(), userId: Id.optional(), instance: Id.optional() };

const isNamed = ({ clientId, userId }: DeletionOf) => clientId !== undefined || userId !== undefined;
const NAMED = 'clientId or userId is required';

export const cancelDeletion = actionOf({
  name: 'deletions-cancel',
  command: 'deletions cancel',
  button: 'Cancel deletion',
  filter: z.strictObject(USER).refine(isNamed, NAMED),
  async plan(user, parts) {
    const pending = await ofRequest(() => createDeletions(parts).find(user));
    return {
      question: `Cancel the deletion of ${nameOf(user)}`,
      count: 1,
      effect: `${pendingText(pending)} Every deletion of this user that was requested until now becomes void, known or not.`,
    };
  },
  async carryOut(user, _confirmed, parts) {
    const answer = await createDeletions(parts).cancel(user);
    return { isWhole: true, text: `${answer.replace('-', ' ')}: ${CANCELLATION_TEXTS[answer]}.` };
  },
});

/** A time with a zone; or as a browser's field sends it, without seconds and zone, for UTC. */
const Due = z.string().transform((text, context) => {
  const isOfField = /^[\d-]+T\d\d:\d\d$/.test(text);
  const dueAt = instantMsOf(isOfField ? `${text}:00Z` : text);
  const message = dueAt === undefined ? 'must be a time, such as 2027-01-31T12:00' : dueFaultOf(dueAt);
  if (message === undefined && dueAt !== undefined) return dueAt;
  context.addIssue({ code: 'custom', message: message ?? '' });
  return z.NEVER;
});

export const rescheduleDeletion = actionOf({
  name: 'deletions-reschedule',
  command: 'deletions reschedule',
  button: 'Move deletion',
  filter: z.strictObject({ ...USER, due: Due }).refine(isNamed, NAMED),
  audited: ({ due, ...user }) => ({ ...user, dueAt: new Date(due).toISOString() }),
  async plan({ due, ...user }, parts) {
    const pending = await ofRequest(() => createDeletions(parts).find(user));
    return {
      question: `Move the deletion of ${nameOf(user)}`,
      count: pending === undefined ? 0 : 1,
      effect: `${pendingText(pending)} Then it is due ${dueText(due)}.`,
    };
  },
  async carryOut({ due, ...user }, _confirmed, parts) {
    const answer = await createDeletions(parts).reschedule(user, due);
    const text =
      typeof answer === 'string'
        ? `Not moved: ${CANCELLATION_TEXTS[answer]}.`
        : `Moved: due ${dueText(answer.dueAt)}.`;
    return { isWhole: true, text };
  },
});

/** The ids may be none that a job can name. */
async function ofRequest<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof TypeError && error.message.startsWith('no deletion: '))
      throw new InputFault([error.message]);
    throw error;
  }
}

function nameOf({ clientId, userId, instance }: DeletionOf): string {
  const ids = [
    ...(clientId === undefined ? [] : [`clientId ${shownId(clientId)}`]),
    ...(userId === undefined ? [] : [`UserId ${shownId(userId)}`]),
  ].join(', ');
  return instance === undefined ? ids : `${ids} in ${shownId(instance)}`;
}

function pendingText(pending: Deletion | undefined): string {
  return pending === undefined
    ? 'No deletion is known to be pending under this id.'
    : `It is pending, due ${dueText(pending.dueAt)}.`;
}

function dueText(ms: number): string {
  const text = instantText(ms);
  if (text === undefined) return 'at an unknown time';
  const left = ms - Date.now();
  return left <= 0 ? `now (${text})` : `${text} (in ${spanInWords(left)})`;
}
