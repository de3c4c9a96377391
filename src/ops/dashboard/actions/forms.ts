/**
 * The forms of actions: the button on a page, and what it sends.
 */
import { html } from 'hono/html';
import { type Markup } from '../markup.ts';
import { pathOf } from '../paths.ts';
import { InputFault } from '../input-fault.ts';
import type { Action } from './action.ts';
import { ACTIONS } from './actions.ts';

export const ACTIONS_PATH = '/actions';

export function pathOfAction({ name }: Action): string {
  return pathOf(`${ACTIONS_PATH}/${name}`);
}

export function pathOfRecord(id: string, query: Record<string, string> = {}): string {
  return pathOf(`${ACTIONS_PATH}/done/${id}`, query);
}

/**
 * Makes the buttons of a page. Each leads to a page that asks for confirmation. The filter is sent as JSON: a browser changes line breaks
 * and half characters of plain values.
 */
export type Buttons = (name: keyof typeof ACTIONS, filter: object, label?: string) => Markup;

/** @param token of this page. */
export function buttonsWith(token: string): Buttons {
  return (name, filter, label = ACTIONS[name].button) => {
    const due =
      name === 'rescheduleDeletion'
        ? html`<label>to (UTC) <input type="datetime-local" name="due" required /></label>`
        : '';
    return html`<form class="act" method="post" action="${pathOfAction(ACTIONS[name])}">
      <input type="hidden" name="token" value="${token}" />
      <input type="hidden" name="filter" value="${JSON.stringify(filter)}" />
      ${due}<button>${label}</button>
    </form>`;
  };
}

/** In bytes. */
export const MOST_FORM = 64 * 1024;

/**
 * The fields of a form.
 * @throws InputFault if one is given twice.
 */
export function formIn(text: string): ReadonlyMap<string, string> {
  const given = [...new URLSearchParams(text)];
  const form = new Map(given);
  if (form.size < given.length) throw new InputFault(['A field is given twice.']);
  return form;
}

/**
 * What the operator chose: by the page's filter, and what was typed beside the button.
 * @throws InputFault if it is no JSON object.
 */
export function filterIn(form: ReadonlyMap<string, string>): object {
  const due = form.get('due');
  return { ...objectIn(form.get('filter')), ...(due !== undefined && { due }) };
}

/** @throws InputFault if it is no JSON object. */
export function objectIn(text = ''): object {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  } catch {}
  throw new InputFault(['The filter cannot be read.']);
}

/** In characters. */
const MOST_REASON = 500;

/** @throws InputFault if it is too long. */
export function reasonIn(form: ReadonlyMap<string, string>): string | undefined {
  const reason = form.get('reason')?.trim() ?? '';
  if (reason.length > MOST_REASON)
    throw new InputFault([`The reason has more than ${MOST_REASON} characters.`]);
  return reason === '' ? undefined : reason;
}

export function reasonField(): Markup {
  return html`<label
    >Reason, for the audit log; no personal data
    <input type="text" name="reason" maxlength="${MOST_REASON}" autocomplete="off" />
  </label>`;
}
