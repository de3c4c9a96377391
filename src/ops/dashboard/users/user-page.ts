/**
 * The page of one user: the same story as `damoov-users user` tells.
 */
import { html } from 'hono/html';
import { type StoryLine, storyLines } from '../../story/story-lines.ts';
import { type WholeStory, isHeardOf } from '../../story/whole-story.ts';
import type { Page, Slots } from '../layout.ts';
import { type Markup, factsMarkup, idLink, idMarkup, shownId, shownText } from '../markup.ts';
import { pathOf, pathOfJob, pathOfUser } from '../paths.ts';

export function userPage(whole: WholeStory, { actions }: Slots = {}): Page {
  const { clientId, userId, instance = 'default' } = whole.user;
  const ids = [
    ['clientId', clientId],
    ['UserId', userId],
    ['Instance', instance],
  ].flatMap(([name = '', id]): [string, Markup][] => (id === undefined ? [] : [[name, idMarkup(id)]]));
  return {
    title: `User ${shownId(clientId ?? userId ?? '')}`,
    status: isHeardOf(whole) ? 200 : 404,
    actions,
    sought: clientId ?? userId ?? '',
    body: html`<div class="grid">
      <section class="card wide" aria-labelledby="heading-named">
        <h2 id="heading-named">Named by</h2>
        ${factsMarkup(ids)}
      </section>
      <section class="card wide" aria-labelledby="heading-story">
        <h2 id="heading-story">Story</h2>
        <ul class="story">
          ${storyLines(whole).map((line) => html`<li>${lineMarkup(line)}</li>`)}
        </ul>
        ${isHeardOf(whole) || clientId === undefined ? '' : elsewhereMarkup(clientId)}
      </section>
    </div>`,
  };
}

/** The user may be known in another instance. */
function elsewhereMarkup(clientId: string): Markup {
  return html`<p class="hint">
    This is about one instance; <a href="${pathOf('/search', { for: clientId })}">look in all of them</a>.
  </p>`;
}

function lineMarkup({ about, parts }: StoryLine): Markup {
  const pieces = parts.map((part) => {
    if (typeof part === 'string') return shownText(part);
    if ('userId' in part) return html`user ${idLink(part.userId, pathOfUser(part))}`;
    return html`job ${idLink(part.jobId, pathOfJob(part.jobId))}`;
  });
  return about === undefined ? html`${pieces}` : html`<b>${about}:</b> ${pieces}`;
}
