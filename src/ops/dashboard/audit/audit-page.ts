/**
 * The page of the audit log.
 */
import { html } from 'hono/html';
import type { AuditEntry, AuditLog } from '../../../store/audit/audit-log.ts';
import { KEEP_S } from '../../../store/actions/action-records.ts';
import { isFormId } from '../actions/form-token.ts';
import { pathOfRecord } from '../actions/forms.ts';
import type { Page, Slots } from '../layout.ts';
import {
  type Column,
  type Markup,
  distanceText,
  pagerMarkup,
  shownId,
  shownText,
  tableMarkup,
  timeMarkup,
} from '../markup.ts';
import { pathOf } from '../paths.ts';
import { figure } from '../words.ts';

export type AuditPage = Awaited<ReturnType<AuditLog['newest']>> & { before?: string | undefined };

export function auditPage({ entries, older, before }: AuditPage, { actions }: Slots = {}): Page {
  const none =
    before === undefined && older === undefined ? 'No action is recorded.' : 'No action is on this page.';
  return {
    title: 'Audit log',
    section: 'audit',
    actions,
    body: html`<p class="lead">
        What operators have changed, the newest first; each action is kept for a year.
        ${entries.length === 0 ? none : ''}
      </p>
      ${entries.length === 0 ? '' : tableMarkup('Actions', entries, columnsOf(Date.now()))}
      ${pagerMarkup([
        { name: 'Newest', href: before === undefined ? undefined : pathOf('/audit') },
        { name: 'Older', href: older === undefined ? undefined : pathOf('/audit', { before: older }) },
      ])}`,
  };
}

function columnsOf(now: number): Column<AuditEntry>[] {
  return [
    { title: 'At', cell: ({ at }) => html`${timeMarkup(at)} <small>${distanceText(at, now)}</small>` },
    {
      title: 'Who',
      cell: ({ who, from, address = '' }) =>
        html`${shownId(who)} <small>by ${from} ${shownId(address)}</small>`,
    },
    { title: 'What', cell: (entry) => whatMarkup(entry, now) },
    { title: 'How many', cell: ({ count }) => figure(count) },
    { title: 'Chosen by', cell: ({ filter }) => chosenMarkup(filter) },
    { title: 'Reason', cell: ({ reason = '' }) => shownText(reason) },
  ];
}

/** Leads to the page of the action while there is one. */
function whatMarkup({ what, at, action = '' }: AuditEntry, now: number): Markup | string {
  if (!isFormId(action) || now - at >= KEEP_S * 1000) return shownId(what);
  return html`<a href="${pathOfRecord(action)}">${shownId(what)}</a>`;
}

function chosenMarkup(filter: AuditEntry['filter']) {
  const chosen = Object.entries(filter).map(([name, value]) => `${name}=${shownId(textOf(value))}`);
  if (chosen.length === 0) return html`<span class="none">all</span>`;
  return html`${chosen.map((text) => html`<code class="id"><bdi>${text}</bdi></code> `)}`;
}

function textOf(value: unknown): string {
  if (Array.isArray(value)) return value.map(textOf).join(', ');
  return typeof value === 'string' ? value : JSON.stringify(value);
}
