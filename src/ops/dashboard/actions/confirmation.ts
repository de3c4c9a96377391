/**
 * The page that asks an operator for confirmation, with the number counted now.
 */
import { html } from 'hono/html';
import type { Page } from '../layout.ts';
import { type Markup, factsMarkup, shownId, tableMarkup } from '../markup.ts';
import { pathOf } from '../paths.ts';
import { figure } from '../words.ts';
import type { Action, Plan, ReadAction } from './action.ts';
import { pathOfAction, reasonField } from './forms.ts';

export interface Confirmation {
  action: Action;
  read: ReadAction;
  plan: Plan;
  /** What is confirmed, and its token; undefined if there is nothing to change. */
  form?: { order: string; token: string };
}

export function confirmationPage({ action, read, plan, form }: Confirmation): Page {
  const { question, effect, kinds = [] } = plan;
  return {
    title: `${question}?`,
    body: html`<p class="lead">${effect}</p>
      ${filterMarkup(read.filter)} ${kindsMarkup(kinds)}
      ${
        form === undefined
          ? html`<p class="lead">There is nothing of this to change now.</p>`
          : formMarkup(action, question, form)
      }`,
  };
}

function formMarkup(
  action: Action,
  question: string,
  { order, token }: { order: string; token: string },
): Markup {
  return html`<form class="confirm" method="post" action="${pathOfAction(action)}/confirmed">
    <input type="hidden" name="token" value="${token}" />
    <input type="hidden" name="order" value="${order}" />
    ${reasonField()}
    <p>
      <button>${question}</button>
      <a class="button" href="${pathOf('')}">Change nothing</a>
    </p>
  </form>`;
}

function filterMarkup(filter: Readonly<Record<string, unknown>>): Markup {
  const facts = Object.entries(filter).map(
    ([name, value]) =>
      [
        name,
        [value]
          .flat()
          .map((one) => shownId(String(one)))
          .join(', '),
      ] as const,
  );
  return facts.length === 0 ? html`<p>Chosen: all there are.</p>` : factsMarkup(facts);
}

function kindsMarkup(kinds: NonNullable<Plan['kinds']>): Markup {
  const names = Object.keys(kinds[0]?.kind ?? {});
  if (kinds.length === 0) return html``;
  return tableMarkup('Counted now', kinds, [
    { title: 'count', cell: ({ count }) => figure(count) },
    ...names.map((name) => ({
      title: name,
      cell: ({ kind }: (typeof kinds)[number]) => shownId(kind[name] ?? ''),
    })),
  ]);
}
