/**
 * The page around the panels: complete as sent, so that it shows the last state without scripts. Defines the order and headings.
 */
import { html, raw } from 'hono/html';
import type { Markup } from './charts.ts';
import type { PanelName, Panels } from './panels.ts';

export interface PageOptions {
  /** The path of the page; its files and the board are below it. */
  path: string;
  boardPath: string;
  /** Whether the sandbox replaces Damoov. */
  isSandbox: boolean;
}

const MARK = raw(
  '<svg class="mark" viewBox="0 0 24 24" aria-hidden="true"><circle cx="8" cy="8" r="5"/><path d="M3 21a8 8 0 0 1 16 0z"/><circle class="pulse" cx="18.5" cy="7" r="3"/></svg>',
);

export async function pageOf(panels: Panels, { path, boardPath, isSandbox }: PageOptions): Promise<string> {
  const panel = (name: PanelName, live = false) =>
    html`<div data-panel="${name}" ${live ? raw('role="status"') : ''}>${raw(panels[name])}</div>`;
  const section = (name: PanelName, title: string, note = ''): Markup =>
    html`<section class="card at-${name}" aria-labelledby="heading-${name}">
      <h2 id="heading-${name}">${title}${note === '' ? '' : html` <small>${note}</small>`}</h2>
      ${panel(name)}
    </section>`;
  const document = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="robots" content="noindex" />
        <title>Fleet · damoov-user-lifecycle</title>
        <link rel="icon" href="${path}/page.svg" type="image/svg+xml" />
        <link rel="stylesheet" href="${path}/page.css" />
        <script type="module" src="${path}/page.js"></script>
      </head>
      <body data-panels="${path}/panels.json">
        <a class="skip" href="#fleet">Skip to the state of the fleet</a>
        <header>
          <p class="brand">${MARK}<span>damoov-user-lifecycle</span></p>
          <nav aria-label="Dashboard">
            <a href="${path}" aria-current="page">Fleet</a><a href="${boardPath}">Jobs and events</a>
          </nav>
          <div class="clock">
            ${isSandbox ? html`<span class="chip">sandbox</span>` : ''} ${panel('asof')}
            <button type="button" id="pause" hidden aria-pressed="false">Pause</button>
            <noscript><a href="${path}">Reload</a></noscript>
          </div>
        </header>
        <main id="fleet" tabindex="-1">
          <h1>Fleet</h1>
          ${panel('decision', true)} ${panel('figures')}
          <div class="grid">
            ${section('flow', 'Flow', 'jobs that ended, per minute, last hour (UTC)')}
            ${section('outcomes', 'Outcomes', 'last hour')} ${section('circuits', 'Circuits')}
            ${section('deletions', 'Pending deletions', 'by day (UTC)')} ${section('limits', 'Limits')}
            ${section('events', 'Events', 'waiting for subscribers')}
          </div>
        </main>
        <footer>
          <p>Read-only. What changes something is a command: <code>damoov-users --help</code>.</p>
        </footer>
      </body>
    </html>`;
  return String(await document);
}
