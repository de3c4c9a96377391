/**
 * The pages that say why an action was not begun, or that it is not known.
 */
import { html } from 'hono/html';
import type { Page } from '../layout.ts';
import { pathOfRecord } from './forms.ts';

const AGAIN = 'Nothing was changed. Load the page with the button once more, and try again from there.';

function refusalPage(title: string, text: string): Page {
  return { title, status: 403, body: html`<p class="lead">${text}</p>` };
}

/** Its token is missing, or of another account or form; or another site has sent it. */
export function forgedPage(): Page {
  return refusalPage('This form is not from a page of yours', AGAIN);
}

export function expiredPage(): Page {
  return refusalPage('This form is too old', AGAIN);
}

export function viewerPage(): Page {
  return refusalPage('You may only look', 'Nothing was changed. Only an operator acts here.');
}

export function faultyFormPage(faults: readonly string[]): Page {
  return {
    title: 'This form has faults',
    status: 400,
    body: html`<p class="lead">Nothing was changed.</p>
      <ul class="notes">
        ${faults.map((fault) => html`<li>${fault}</li>`)}
      </ul>`,
  };
}

/** Redis did not answer in time. */
export function unknownStartPage(id: string): Page {
  return {
    title: 'Redis does not answer',
    status: 503,
    body: html`<p class="lead">
      It is not known whether this has begun; <a href="${pathOfRecord(id)}">its page</a> shows it once Redis
      is back.
    </p>`,
  };
}
