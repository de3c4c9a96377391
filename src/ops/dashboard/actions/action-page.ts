/**
 * The page of an action that was begun: how far it is, or how it ended. It refreshes itself until then.
 */
import { html } from 'hono/html';
import type { ActionRecord } from '../../../store/actions/action-records.ts';
import type { Page } from '../layout.ts';
import { type Markup, shownId } from '../markup.ts';
import { pathOf } from '../paths.ts';
import { counted, figure } from '../words.ts';
import { pathOfRecord } from './forms.ts';

const REFRESH_S = 2;

/** @param isAgain whether its form was sent once more. */
export function actionPage(id: string, record: ActionRecord | undefined, isAgain: boolean): Page {
  if (record === undefined) return unknownPage();
  const { question, total, done, who, isAlive } = record;
  const isRunning = isAlive && (record.state === 'begun' || record.state === 'running');
  const again = html`<p class="lead">
    This form was sent more than once. It was carried out once at most: this is what became of it.
  </p>`;
  return {
    title: question,
    ...(isRunning && { refresh: { afterS: REFRESH_S, to: pathOfRecord(id) } }),
    body: html`${isAgain ? again : ''}
      <p class="lead" role="status">${isRunning ? progressText(record) : endText(record)}</p>
      ${isRunning ? progressMarkup(done, total) : ''}
      <p>
        By ${shownId(who)}. The <a href="${pathOf('/audit')}">audit log</a> keeps it for a year, this page for
        a day.
      </p>`,
  };
}

function progressText({ done, total }: ActionRecord): string {
  return `Under way: ${figure(done)} of ${figure(total)} done. This page refreshes itself; it may be closed.`;
}

function progressMarkup(done: number, total: number): Markup {
  return html`<progress max="${total}" value="${Math.min(done, total)}">${figure(done)}</progress>`;
}

function endText(record: ActionRecord): string {
  const { state, text } = record;
  switch (state) {
    case 'done':
      return `Done. ${text}`;
    case 'refused':
      return `Nothing was changed. ${text}`;
    case 'failed':
      return `It failed on the way: ${soFar(record)}`;
    case 'stopped':
      return `Interrupted: the worker that did it was stopped, or cut off. ${soFar(record)}`;
    case 'begun':
      return 'Interrupted before anything was changed: the worker that was to do it gives no sign of life.';
    case 'running':
      return `Interrupted: the worker that did it gives no sign of life, and begins no more of it. ${soFar(record)}`;
  }
}

function soFar({ done, inDoubt, total }: ActionRecord): string {
  const perhaps = inDoubt === 0 ? '' : `, up to ${figure(inDoubt)} more perhaps`;
  return `${figure(done)} of ${counted(total, 'change')} done for certain${perhaps}. Start it again for the rest.`;
}

function unknownPage(): Page {
  return {
    title: 'No such action is known',
    status: 404,
    body: html`<p class="lead">
      Each is kept for a day. What was begun is in the <a href="${pathOf('/audit')}">audit log</a>.
    </p>`,
  };
}
