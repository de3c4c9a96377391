/**
 * What all pages share: the head, the brand, the navigation, the search and the footer. A page is complete as sent, and works without
 * scripts.
 */
import { html, raw } from 'hono/html';
import type { Markup } from './markup.ts';
import { PATH, pathOf } from './paths.ts';

/** What the site shows on every page. */
export interface Site {
  /** Whether the sandbox replaces Damoov. */
  isSandbox: boolean;
}

const SECTIONS = [
  ['fleet', 'Fleet', PATH],
  ['jobs', 'Jobs', pathOf('/jobs')],
  ['deletions', 'Deletions', pathOf('/deletions')],
  ['dead-letters', 'Dead letters', pathOf('/dead-letters')],
  ['audit', 'Audit log', pathOf('/audit')],
] as const;

/** What a page may be given by its route. */
export interface Slots {
  /** Buttons of operators, beside the heading. Default: none. */
  actions?: Markup | undefined;
}

/** What a page with a table may be given. */
export interface RowSlots<Row> extends Slots {
  /** Buttons of operators, in each row. */
  rowActions?: ((row: Row) => Markup) | undefined;
}

export interface Page extends Slots {
  /** The heading, and in the title of the window. */
  title: string;
  /** Which entry of the navigation it belongs to; none: of no one. */
  section?: (typeof SECTIONS)[number][0];
  /** Default 200. */
  status?: 200 | 400 | 403 | 404 | 503;
  body: Markup;
  /** What the search field contains. */
  sought?: string;
  /** Loads another page, or this one again, without a script. */
  refresh?: { afterS: number; to: string };
  /** Of a page that refreshes itself: where its panels are, and when they were read. */
  live?: { panels: string; asOf: Markup };
}

const NAME = 'damoov-user-lifecycle';

const MARK = raw(
  '<svg class="mark" viewBox="0 0 24 24" aria-hidden="true"><circle cx="8" cy="8" r="5"/><path d="M3 21a8 8 0 0 1 16 0z"/><circle class="pulse" cx="18.5" cy="7" r="3"/></svg>',
);

/** The whole document. @param operator the name of the operator, if it is for one. */
export async function layoutOf(page: Page, site: Site, operator?: string): Promise<string> {
  const { title, body, live, actions, refresh } = page;
  const document = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="robots" content="noindex" />
        ${refresh === undefined ? '' : html`<meta http-equiv="refresh" content="${refresh.afterS};url=${refresh.to}" />`}
        <title>${title} · ${NAME}</title>
        <link rel="icon" href="${PATH}/page.svg" type="image/svg+xml" />
        <link rel="stylesheet" href="${PATH}/page.css" />
        ${live === undefined ? '' : html`<script type="module" src="${PATH}/page.js"></script>`}
      </head>
      <body ${live === undefined ? '' : html`data-panels="${live.panels}"`}>
        <a class="skip" href="#content">Skip to the content</a>
        ${headerOf(page, site)}
        <main id="content" tabindex="-1">
          <div class="title">
            <h1>${title}</h1>
            ${actions === undefined ? '' : html`<div class="actions">${actions}</div>`}
          </div>
          ${body}
        </main>
        <footer>
          <p>
            ${
              operator === undefined
                ? html`Read-only. What changes something is a command: <code>damoov-users --help</code>.`
                : html`You act as <bdi>${operator}</bdi>.`
            }
            All times are UTC.
          </p>
        </footer>
      </body>
    </html>`;
  return String(await document);
}

function headerOf({ section, live, sought = '' }: Page, { isSandbox }: Site): Markup {
  return html`<header>
    <p class="brand">${MARK}<span>${NAME}</span></p>
    <nav aria-label="Dashboard">
      ${SECTIONS.map(
        ([name, text, href]) =>
          html`<a href="${href}" ${name === section ? raw('aria-current="page"') : ''}>${text}</a>`,
      )}
    </nav>
    <form class="search" role="search" action="${pathOf('/search')}" method="get">
      <input
        type="search"
        name="for"
        value="${sought.toWellFormed()}"
        aria-label="clientId, UserId or job id"
        placeholder="find by any id"
        autocomplete="off"
        spellcheck="false"
        required
      />
      <button>Search</button>
    </form>
    <div class="clock">
      ${isSandbox ? html`<span class="chip">sandbox</span>` : ''}
      ${
        live === undefined
          ? ''
          : html`${live.asOf}
              <button type="button" id="pause" hidden aria-pressed="false">Pause refresh</button>
              <noscript><a href="${PATH}">Reload</a></noscript>`
      }
    </div>
  </header>`;
}
