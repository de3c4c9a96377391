/**
 * The fleet page around its panels: it shows the last state without scripts. Defines the order and headings.
 */
import { html, raw } from 'hono/html';
import type { Page, Slots } from '../layout.ts';
import type { Markup } from '../markup.ts';
import { pathOf } from '../paths.ts';
import type { PanelName, Panels } from './panels.ts';

export function fleetPage(panels: Panels, { actions }: Slots = {}): Page {
  const panel = (name: PanelName, live = false) =>
    html`<div data-panel="${name}" ${live ? raw('role="status"') : ''}>${raw(panels[name])}</div>`;
  const section = (name: PanelName, title: string, note = ''): Markup =>
    html`<section class="card at-${name}" aria-labelledby="heading-${name}">
      <h2 id="heading-${name}">${title}${note === '' ? '' : html` <small>${note}</small>`}</h2>
      ${panel(name)}
    </section>`;
  return {
    title: 'Fleet',
    section: 'fleet',
    // Nothing was read yet, and nothing can be.
    status: panels.asof === '' ? 503 : 200,
    actions,
    live: { panels: pathOf('/panels.json'), asOf: panel('asof') },
    body: html`${panel('decision', true)} ${panel('figures')}
      <div class="grid">
        ${section('flow', 'Flow', 'jobs that ended, per minute, last hour')}
        ${section('outcomes', 'Outcomes', 'last hour')} ${section('circuits', 'Circuits')}
        ${section('deletions', 'Pending deletions', 'by day')} ${section('limits', 'Limits')}
        ${section('events', 'Events', 'waiting for subscribers')} ${section('goal', 'Settled in time')}
      </div>`,
  };
}
