/**
 * The page of the jobs of a state.
 */
import { html } from 'hono/html';
import type { Page, Slots } from '../layout.ts';
import {
  type Choice,
  type Column,
  type Markup,
  choicesMarkup,
  distanceText,
  idLink,
  idMarkup,
  pagerMarkup,
  shownText,
  tableMarkup,
  timeMarkup,
} from '../markup.ts';
import { pathOf, pathOfJob, pathOfUser } from '../paths.ts';
import { extentText, pageLinks } from '../ranks.ts';
import { circuitText, figure } from '../words.ts';
import { CODES, type JobList, type ListedJob, STATES, type State } from './job-list.ts';
import { STATE_NAMES, WHY_NAMES } from './state-names.ts';

export function jobListPage(list: JobList, { actions }: Slots = {}): Page {
  const { state, code, rows, counts, from } = list;
  const now = Date.now();
  const table = rows.length === 0 ? html`` : tableMarkup(STATE_NAMES[state], rows, columnsOf(state, now));
  return {
    title: 'Jobs',
    section: 'jobs',
    actions,
    body: html`${choicesMarkup(
        'States',
        STATES.map((one) => choiceOf(one, list)),
      )}
      ${state === 'failed' ? codesMarkup(code) : ''}
      <p class="lead">${HINTS[state]} ${extentOf(list)}</p>
      ${table} ${pagerOf(list)}
      ${from > 0 || list.next !== undefined ? html`<p class="hint">Jobs come and go: a page may repeat or miss some.</p>` : ''}`,
  };

  function choiceOf(one: State, { state: current }: JobList): Choice {
    const count = counts[one];
    return {
      name: STATE_NAMES[one],
      href: pathOf('/jobs', { state: one }),
      isCurrent: one === current,
      count: count === undefined ? undefined : figure(count),
    };
  }
}

const HINTS: Record<State, string> = {
  waiting: 'The next in line first.',
  active: 'A worker runs them now.',
  blocked: 'Another job has locked their user, as the records of the users that they name say.',
  held: 'Behind an open circuit breaker or the deletion limit.',
  delayed: 'Deferred, blocked, held, or tried again later; the next first.',
  'waiting-children': 'Parents of a flow that waits for its children.',
  failed: 'The newest first; each is kept for 14 days.',
  completed: 'The newest first; kept for an hour, at most 10,000.',
};

/** What is known of how many there are: never that there are none unless all were seen. */
function extentOf({ code, rows, from, total, next, lookedUpTo }: JobList): string {
  if (lookedUpTo === undefined) return extentText({ from, total, shown: rows.length });
  const among = code === undefined ? 'delayed' : 'failed';
  if (lookedUpTo === from && from > 0) return `No ${among} job comes after the first ${figure(from)}.`;
  const isWhole = from === 0 && next === undefined;
  if (isWhole && rows.length === 0)
    return `No ${among} job ${isOrHas(1, code)}: all ${figure(lookedUpTo)} were looked at.`;
  const found = rows.length === 0 ? 'none of these' : figure(rows.length);
  const looked = `${figure(from + 1)} to ${figure(lookedUpTo)} of ${figure(Math.max(total, lookedUpTo))}`;
  return `Looked at the ${among} jobs ${looked}: ${found} ${isOrHas(rows.length, code)}.`;
}

function isOrHas(count: number, code: string | undefined): string {
  const isOne = count < 2;
  return code === undefined
    ? `${isOne ? 'is' : 'are'} found blocked`
    : `${isOne ? 'has' : 'have'} the code ${code}`;
}

function codesMarkup(code: string | undefined): Markup {
  return choicesMarkup('Failure codes', [
    { name: 'every code', href: pathOf('/jobs', { state: 'failed' }), isCurrent: code === undefined },
    ...CODES.map((one) => ({
      name: one,
      href: pathOf('/jobs', { state: 'failed', code: one }),
      isCurrent: one === code,
    })),
  ]);
}

function pagerOf({ state, code, from, next, total, lookedUpTo }: JobList): Markup {
  const at = (start: number | undefined) => pathOf('/jobs', { state, code, from: start });
  if (lookedUpTo === undefined) return pagerMarkup(pageLinks({ from, total }, at));
  return pagerMarkup([
    { name: 'From the start', href: from > 0 ? at(undefined) : undefined },
    { name: 'Look further', href: next === undefined ? undefined : at(next) },
  ]);
}

function columnsOf(state: State, now: number): Column<ListedJob>[] {
  const ago = (title: string, at: (row: ListedJob) => number | undefined): Column<ListedJob> => ({
    title,
    cell: (row) => html`${timeMarkup(at(row))} <small>${distanceOf(at(row), now)}</small>`,
  });
  const job: Column<ListedJob> = { title: 'Job', cell: ({ jobId }) => idLink(jobId, pathOfJob(jobId)) };
  const operation: Column<ListedJob> = {
    title: 'Operation',
    cell: ({ operation: name, isReadable }) =>
      isReadable ? html`<span class="short">${name}</span>` : 'unreadable, or gone meanwhile',
  };
  const user: Column<ListedJob> = { title: 'User', cell: userMarkup };
  const added = ago('Added', ({ addedAt }) => addedAt);
  const attempts: Column<ListedJob> = { title: 'Attempts', cell: (row) => figure(row.attempts) };
  const first = [job, operation, user];
  switch (state) {
    case 'waiting':
      return [...first, added, { title: 'Priority', cell: ({ priority }) => figure(priority) }];
    case 'active':
      return [...first, ago('Started', ({ startedAt }) => startedAt), attempts];
    case 'delayed':
      return [
        ...first,
        { title: 'Due', cell: (row) => dueMarkup(row, now) },
        { title: 'Why', cell: ({ why }) => (why === undefined ? 'deferred, or not begun' : WHY_NAMES[why]) },
      ];
    case 'held':
      return [
        ...first,
        { title: 'Held by', cell: ({ circuit }) => (circuit === undefined ? '' : circuitText(circuit)) },
        added,
      ];
    case 'blocked':
    case 'waiting-children':
      return [...first, added];
    case 'failed':
      return [
        ...first,
        {
          title: 'Why',
          cell: ({ code = '', message = '' }) => html`<code>${code}</code> ${shownText(message)}`,
        },
        attempts,
        ago('Failed', ({ endedAt }) => endedAt),
      ];
    case 'completed':
      return [
        ...first,
        { title: 'Outcome', cell: ({ outcome = 'unknown' }) => outcome },
        ago('Completed', ({ endedAt }) => endedAt),
      ];
  }
}

/** When a blocked or held job goes on depends on others. */
function dueMarkup({ dueAt, why }: ListedJob, now: number): Markup | string {
  if (why === 'blocked') return 'once its user is free';
  if (why === 'held') return 'once it is released';
  return html`${timeMarkup(dueAt)} <small>${distanceOf(dueAt, now)}</small>`;
}

function distanceOf(at: number | undefined, now: number): string {
  return at === undefined ? '' : distanceText(at, now);
}

function userMarkup(row: ListedJob): Markup | string {
  const id = row.clientId ?? row.userId;
  if (id === undefined) return html`<span class="none">unknown</span>`;
  const link = pathOfUser(row);
  return row.instance === undefined || row.instance === 'default'
    ? idLink(id, link)
    : html`${idLink(id, link)} <small>in ${idMarkup(row.instance)}</small>`;
}
