/**
 * Which buttons a page has for an operator: those for what it shows. A viewer gets none.
 */
import { html } from 'hono/html';
import type { DeadLetter } from '../../../bullmq/dead-letters.ts';
import type { IndexedDeletion } from '../../../store/deletions/due-page.ts';
import type { DeadLetterList } from '../dead-letters/dead-letter-list.ts';
import type { DeletionPage } from '../deletions/deletion-page.ts';
import type { Reading } from '../fleet/reading.ts';
import type { JobDetails } from '../jobs/job-details.ts';
import type { JobList } from '../jobs/job-list.ts';
import type { RowSlots } from '../layout.ts';
import type { Markup } from '../markup.ts';
import type { UserIds } from '../paths.ts';
import type { WholeStory } from '../../story/whole-story.ts';
import type { Buttons } from './forms.ts';

/** Answers without buttons for a viewer. */
function forOperators<Shown, Row = never>(
  actions: (shown: Shown, buttons: Buttons) => RowSlots<Row>,
): (shown: Shown, buttons: Buttons | undefined) => RowSlots<Row> {
  return (shown, buttons) => (buttons === undefined ? {} : actions(shown, buttons));
}

/** Pauses and resumes queues. */
export const fleetActions = forOperators<Reading>((reading, buttons) => {
  if (reading.is === 'away') return {};
  const { jobs, events } = reading.state.fleet;
  const change = ({ queue, isPaused }: { queue: string; isPaused: boolean }, name = queue) =>
    isPaused
      ? buttons('resumeQueue', { queue }, `Resume ${name}`)
      : buttons('pauseQueue', { queue }, `Pause ${name}`);
  return { actions: html`${change(jobs, 'the jobs')} ${events.map((queue) => change(queue))}` };
});

/** Of the failed jobs, all of a code or all there are. */
export const jobListActions = forOperators<JobList>(({ state, code, total }, buttons) => {
  if (state !== 'failed' || total === 0) return {};
  const filter = code === undefined ? {} : { code: [code] };
  const which = code === undefined ? 'all failed jobs' : `all of ${code}`;
  return {
    actions: html`${buttons('retryFailed', filter, `Retry ${which}`)}
    ${buttons('dropFailed', filter, `Drop ${which}`)}`,
  };
});

export const jobActions = forOperators<JobDetails>((job, buttons) => {
  const filter = { id: [job.jobId] };
  if (job.state === 'failed')
    return { actions: html`${buttons('retryFailed', filter)} ${buttons('dropFailed', filter)}` };
  const isPending = job.state === 'delayed' && job.operation === 'delete-user';
  const user = idsOf(job);
  return isPending && user !== undefined ? { actions: ofDeletion(user, buttons) } : {};
});

export const userActions = forOperators<WholeStory>(({ user, failed, deletion }, buttons) => {
  const ids = idsOf(user);
  if (ids === undefined) return {};
  return {
    actions: html`${deletion === undefined ? '' : ofDeletion(ids, buttons)}
    ${failed.length === 0 ? '' : buttons('retryFailed', { id: failed.map(({ jobId }) => jobId) }, 'Retry failed jobs')}`,
  };
});

/** Of those that the deletion limit holds: all, or those of a user. */
export const deletionsActions = forOperators<DeletionPage, IndexedDeletion>(({ state, total }, buttons) => {
  if (state !== 'held' || total === 0) return {};
  const decide = (filter: object, all = '') =>
    html`${buttons('releaseDeletions', filter, `Release${all}`)}
    ${buttons('refuseDeletions', filter, `Refuse${all}`)}`;
  return {
    actions: decide({}, ' all'),
    rowActions: (row) => {
      const user = 'instance' in row ? idsOf(row) : undefined;
      return user === undefined ? html`` : decide(user);
    },
  };
});

export const deadLettersActions = forOperators<DeadLetterList, DeadLetter>(({ queue, total }, buttons) => {
  if (queue === undefined || total === 0) return {};
  const change = (filter: object, all = '') =>
    html`${buttons('redriveDeadLetters', filter, `Redrive${all}`)}
    ${buttons('dropDeadLetters', filter, `Drop${all}`)}`;
  return {
    actions: change({ queue }, ' all'),
    rowActions: ({ eventId }) => (eventId === undefined ? html`` : change({ queue, id: [eventId] })),
  };
});

function ofDeletion(user: object, buttons: Buttons): Markup {
  return html`${buttons('cancelDeletion', user)} ${buttons('rescheduleDeletion', user)}`;
}

/** Undefined if no id is known. */
function idsOf({ clientId, userId, instance }: UserIds): UserIds | undefined {
  return clientId === undefined && userId === undefined ? undefined : { clientId, userId, instance };
}
