/**
 * The page of the dead letters of an events queue.
 */
import { html } from 'hono/html';
import type { DeadLetter } from '../../../bullmq/dead-letters.ts';
import type { Page, RowSlots } from '../layout.ts';
import {
  type Column,
  type Markup,
  choicesMarkup,
  distanceText,
  idLink,
  idMarkup,
  pagerMarkup,
  tableMarkup,
  timeMarkup,
} from '../markup.ts';
import { pathOf, pathOfUser } from '../paths.ts';
import { extentText, pageLinks } from '../ranks.ts';
import { figure } from '../words.ts';
import type { DeadLetterList } from './dead-letter-list.ts';

export function deadLettersPage(
  list: DeadLetterList,
  { actions, rowActions }: RowSlots<DeadLetter> = {},
): Page {
  const { queue, letters, counts } = list;
  const about = { title: 'Dead letters', section: 'dead-letters' as const, actions };
  if (queue === undefined)
    return { ...about, body: html`<p class="lead">No events are published (EVENTS_QUEUES=none).</p>` };
  return {
    ...about,
    body: html`${choicesMarkup(
        'Events queues',
        counts.map(({ queue: name, count }) => ({
          name,
          href: pathOf('/dead-letters', { queue: name }),
          isCurrent: name === queue,
          count: figure(count),
        })),
      )}
      <p class="lead">
        Events that the subscriber of <code>${queue}</code> gave up, the newest first; each is kept for 14
        days. ${extentText({ ...list, shown: letters.length })}
      </p>
      ${letters.length === 0 ? '' : tableMarkup(`Dead letters of ${queue}`, letters, columnsOf(Date.now(), rowActions))}
      ${pagerMarkup(pageLinks(list, (from) => pathOf('/dead-letters', { queue, from })))}`,
  };
}

function columnsOf(now: number, rowActions: RowSlots<DeadLetter>['rowActions']): Column<DeadLetter>[] {
  return [
    { title: 'Type', cell: ({ type }) => type },
    { title: 'User', cell: userMarkup },
    { title: 'Error', cell: ({ error }) => html`<code>${error}</code>` },
    { title: 'Attempts', cell: ({ attempts }) => figure(attempts) },
    {
      title: 'Given up',
      cell: ({ failedAt }) => html`${timeMarkup(failedAt)} <small>${distanceText(failedAt, now)}</small>`,
    },
    { title: 'Event', cell: ({ eventId, jobId }) => idMarkup(eventId ?? jobId) },
    ...(rowActions === undefined ? [] : [{ title: 'Act', cell: rowActions }]),
  ];
}

function userMarkup(letter: DeadLetter): Markup {
  const id = letter.clientId ?? letter.userId;
  return id === undefined ? html`<span class="none">unknown</span>` : idLink(id, pathOfUser(letter));
}
