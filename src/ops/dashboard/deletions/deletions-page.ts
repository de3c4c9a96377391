/**
 * The page of the pending deletions.
 */
import { html } from 'hono/html';
import type { IndexedDeletion } from '../../../store/deletions/due-page.ts';
import type { Page, RowSlots } from '../layout.ts';
import {
  type Column,
  type Markup,
  choicesMarkup,
  distanceText,
  idLink,
  pagerMarkup,
  tableMarkup,
  timeMarkup,
} from '../markup.ts';
import { pathOf, pathOfJob, pathOfUser } from '../paths.ts';
import { extentText, pageLinks } from '../ranks.ts';
import { dayName, figure } from '../words.ts';
import { type DeletionPage, dayAfter, dayOf } from './deletion-page.ts';

export function deletionsPage(
  page: DeletionPage,
  { actions, rowActions }: RowSlots<IndexedDeletion> = {},
): Page {
  const { state, day, fromDay, deletions, held } = page;
  const isAll = state === 'pending' && day === undefined && fromDay === undefined;
  return {
    title: 'Deletions',
    section: 'deletions',
    actions,
    body: html`${choicesMarkup('Which deletions', [
        { name: 'All pending', href: pathOf('/deletions'), isCurrent: isAll },
        {
          name: 'Due today',
          href: pathOf('/deletions', { day: dayOf(page.now) }),
          isCurrent: day === dayOf(page.now),
        },
        {
          name: 'Held for approval',
          href: pathOf('/deletions', { state: 'held' }),
          isCurrent: state === 'held',
          count: figure(held),
        },
      ])}
      <p class="lead">${headingOf(page)} ${extentText({ ...page, shown: deletions.length })}</p>
      ${deletions.length === 0 ? '' : tableMarkup('Deletions', deletions, columnsOf(page, rowActions))}
      ${pagersOf(page)}
      ${state === 'held' ? '' : html`<p class="hint">A deletion that another BullMQ client has added is not counted here: it is among the <a href="${pathOf('/jobs', { state: 'delayed' })}">delayed jobs</a>.</p>`}`,
  };
}

function headingOf({ state, day, fromDay, now }: DeletionPage): string {
  if (state === 'held') return 'The deletion limit holds these until an operator decides, the oldest first.';
  if (fromDay !== undefined) return `Due on ${dayName(Date.parse(fromDay))} or later.`;
  if (day === undefined) return 'The next due first.';
  const more = day === dayOf(now) ? ' (today), or overdue' : '';
  return `Due on ${dayName(Date.parse(day))}${more}.`;
}

function columnsOf(
  { now, state }: DeletionPage,
  rowActions: RowSlots<IndexedDeletion>['rowActions'],
): Column<IndexedDeletion>[] {
  const due: Column<IndexedDeletion> = {
    title: 'Due',
    cell: ({ dueAt }) => html`${timeMarkup(dueAt)} <small>${distanceText(dueAt, now)}</small>`,
  };
  const requested: Column<IndexedDeletion> = {
    title: 'Requested',
    cell: (one) => timeMarkup('requestedAt' in one ? one.requestedAt : undefined),
  };
  return [
    ...(state === 'held' ? [] : [due]),
    { title: 'User', cell: userMarkup },
    { title: 'Instance', cell: (one) => ('instance' in one ? one.instance : '') },
    requested,
    { title: 'Job', cell: ({ jobId }) => idLink(jobId, pathOfJob(jobId)) },
    ...(rowActions === undefined ? [] : [{ title: 'Decide', cell: rowActions }]),
  ];
}

function userMarkup(one: IndexedDeletion): Markup {
  const id = 'instance' in one ? (one.clientId ?? one.userId) : undefined;
  if (!('instance' in one) || id === undefined)
    return html`<span class="none">unreadable, or gone meanwhile</span>`;
  return idLink(id, pathOfUser(one));
}

function pagersOf({ state, day, fromDay, from, total }: DeletionPage): Markup {
  const at = (start: number | undefined) =>
    pathOf('/deletions', {
      state: state === 'held' ? state : undefined,
      day,
      'from-day': fromDay,
      from: start,
    });
  const ofDay = (name: string, days: number) => {
    const other = day === undefined ? undefined : dayAfter(day, days);
    return { name, href: other === undefined ? undefined : pathOf('/deletions', { day: other }) };
  };
  return pagerMarkup([
    ...pageLinks({ from, total }, at),
    ofDay('The day before', -1),
    ofDay('The day after', 1),
  ]);
}
