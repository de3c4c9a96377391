/**
 * The pages for what went wrong: a query with faults, Redis that does not answer, an address without a page.
 */
import { html } from 'hono/html';
import type { Page } from './layout.ts';

export function faultyQueryPage(faults: readonly string[]): Page {
  return {
    title: 'This address has faults',
    status: 400,
    body: html`<ul class="notes">
      ${faults.map((fault) => html`<li>${fault}</li>`)}
    </ul>`,
  };
}

export function unreadPage(): Page {
  return {
    title: 'Redis does not answer',
    status: 503,
    body: html`<p class="lead">
      What this page shows is not known now. Jobs wait until Redis is back; nothing is lost.
    </p>`,
  };
}

export function noPage(): Page {
  return {
    title: 'There is no such page',
    status: 404,
    body: html`<p class="lead">The address leads to nothing.</p>`,
  };
}
