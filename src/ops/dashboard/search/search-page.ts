/**
 * The page of a search: what was found, if it is more than one or nothing.
 */
import { html } from 'hono/html';
import { UNHEARD_OF } from '../../story/story-lines.ts';
import type { Page } from '../layout.ts';
import { idLink, shownId } from '../markup.ts';
import { pathOfJob, pathOfUser } from '../paths.ts';
import type { Found } from './search.ts';

export function searchPage(sought: string, { jobIds, users }: Found): Page {
  if (jobIds.length + users.length === 0) {
    return {
      title: 'Never heard of it',
      status: 404,
      sought,
      body: html`<p class="lead">
        No job in the queue has the id “${shownId(sought)}”, and of a user with it nothing is known:
        ${UNHEARD_OF}. Completed jobs are kept for an hour, failed ones for 14 days.
      </p>`,
    };
  }
  return {
    title: 'Several have this id',
    sought,
    body: html`<ul class="notes">
      ${jobIds.map((jobId) => html`<li>job ${idLink(jobId, pathOfJob(jobId))}</li>`)}
      ${users.map(
        (user) =>
          html`<li>
            user with the ${user.clientId === undefined ? 'UserId' : 'clientId'}
            ${idLink(user.clientId ?? user.userId ?? '', pathOfUser(user))} in ${user.instance}
          </li>`,
      )}
    </ul>`,
  };
}

/** The address of what was found, if it is one. */
export function onlyOne({ jobIds, users }: Found): string | undefined {
  const [jobId] = jobIds;
  const [user] = users;
  if (jobIds.length + users.length !== 1) return undefined;
  if (jobId !== undefined) return pathOfJob(jobId);
  return user && pathOfUser(user);
}
