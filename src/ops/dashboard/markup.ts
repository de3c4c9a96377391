/**
 * Pieces of HTML that several pages show: ids, times, tables, and the way through pages. Everything is escaped.
 */
import { html } from 'hono/html';
import { durationText, instantText } from '../../contract/duration.ts';

export type Markup = ReturnType<typeof html>;

/** Control and zero-width characters, and those that turn the direction of writing. */
const UNSEEN = /(?! )[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;
/** Longer ids are cut: they may have any length. */
const MOST_SHOWN = 200;

/** An id of another system may contain anything: invisible characters show as `\u202e`. @param most in characters; more are cut. */
export function shownId(id: string, most = MOST_SHOWN): string {
  const cut = id.length > most ? `${id.slice(0, most)}…` : id;
  return cut
    .toWellFormed()
    .replace(UNSEEN, (character) =>
      Array.from({ length: character.length }, (_, at) => escapeOf(character.charCodeAt(at))).join(''),
    );
}

/** The same of a whole text, which keeps its lines. */
export function shownText(text: string): string {
  return text
    .split('\n')
    .map((line) => shownId(line, Infinity))
    .join('\n');
}

function escapeOf(code: number): string {
  return `\\u${code.toString(16).padStart(4, '0')}`;
}

export function idMarkup(id: string): Markup {
  const shown = shownId(id);
  return html`<code class="id" title="${shown}"><bdi>${shown}</bdi></code>`;
}

/** A link to the page of what has this id; without an address only the id. */
export function idLink(id: string, href: string | undefined): Markup {
  return href === undefined ? idMarkup(id) : html`<a href="${href}">${idMarkup(id)}</a>`;
}

/** A point in time in UTC, to the second. */
export function timeMarkup(ms: number | undefined): Markup {
  const text = ms === undefined ? undefined : instantText(ms);
  if (text === undefined) return html`<span class="none">unknown</span>`;
  return html`<time datetime="${text}">${text.slice(0, -5).replace('T', ' ')}</time>`;
}

/** How long ago, or in how long. */
export function distanceText(ms: number | undefined, now: number): string {
  if (ms === undefined || Number.isNaN(ms)) return 'unknown';
  if (instantText(ms) === undefined) return 'beyond the calendar';
  return ms > now ? `in ${durationText(ms - now)}` : `${durationText(now - ms)} ago`;
}

export interface Column<Row> {
  title: string;
  cell: (row: Row) => Markup | string;
}

/** A table that scrolls by itself if it is too wide. */
export function tableMarkup<Row>(caption: string, rows: readonly Row[], columns: readonly Column<Row>[]) {
  return html`<div class="scroll" role="region" aria-label="${caption}" tabindex="0">
    <table class="list">
      <thead>
        <tr>
          ${columns.map(({ title }) => html`<th scope="col">${title}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          (row) =>
            html`<tr>
              ${columns.map(({ title, cell }) => html`<td data-title="${title}"><div>${cell(row)}</div></td>`)}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

/** Names and values, one below the other. */
export function factsMarkup(facts: readonly (readonly [name: string, value: Markup | string])[]): Markup {
  return html`<dl class="facts">
    ${facts.map(
      ([name, value]) =>
        html`<div>
          <dt>${name}</dt>
          <dd>${value}</dd>
        </div>`,
    )}
  </dl>`;
}

export interface Choice {
  name: string;
  href: string;
  isCurrent: boolean;
  count?: string | undefined;
}

/** Links of which one is the current page. */
export function choicesMarkup(label: string, choices: readonly Choice[]): Markup {
  return html`<nav class="choices" aria-label="${label}">
    ${choices.map(
      ({ name, href, isCurrent, count }) =>
        html`<a href="${href}" aria-current="${isCurrent ? 'page' : 'false'}"
          >${name}${count === undefined ? '' : html` <b>${count}</b>`}</a
        >`,
    )}
  </nav>`;
}

/** Links to other pages of the same list; those without an address are left out. */
export function pagerMarkup(links: readonly { name: string; href: string | undefined }[]): Markup {
  const shown = links.filter(({ href }) => href !== undefined);
  if (shown.length === 0) return html``;
  return html`<nav class="pager" aria-label="Pages">
    ${shown.map(({ name, href }) => html`<a class="button" href="${href}">${name}</a>`)}
  </nav>`;
}

/** Text between backticks is a command or a name. */
export function withCode(text: string): Markup[] {
  return text.split('`').map((part, index) => (index % 2 === 1 ? html`<code>${part}</code>` : html`${part}`));
}
