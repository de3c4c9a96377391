/**
 * The page of one job.
 */
import { html } from 'hono/html';
import { waitText } from '../../story/story-lines.ts';
import type { Page, Slots } from '../layout.ts';
import { type Markup, distanceText, factsMarkup, idLink, shownId, shownText, timeMarkup } from '../markup.ts';
import { pathOf, pathOfUser } from '../paths.ts';
import { counted, figure } from '../words.ts';
import type { JobDetails } from './job-details.ts';
import { STATES } from './job-list.ts';
import { STATE_NAMES } from './state-names.ts';

export function jobPage(job: JobDetails, { actions }: Slots = {}): Page {
  const { jobId, data, reason, result } = job;
  const facts = [
    ['State', stateMarkup(job)],
    ['Operation', job.isReadable ? job.operation : 'cannot be read'],
    ['User', userMarkup(job)],
    ...timesOf(job, Date.now()),
    [
      'Attempts',
      `${figure(job.attempts)} charged, ${counted(job.attemptsStarted, 'run')} begun, ${figure(job.stalls)} stalled`,
    ],
    ['Priority', job.priority === 0 ? 'none' : figure(job.priority)],
  ] as const;
  return {
    title: `Job ${shownId(jobId)}`,
    section: 'jobs',
    actions,
    sought: jobId,
    body: html`<div class="grid">
      ${cardOf('about', 'About', factsMarkup(facts))}
      ${reason === undefined ? '' : cardOf('reason', 'Why it failed', html`<pre>${shownText(reason)}</pre>`)}
      ${result === undefined ? '' : cardOf('result', 'Result', jsonMarkup(result))}
      ${data === undefined ? '' : cardOf('data', 'Data, without what is personal', jsonMarkup(data))}
    </div>`,
  };
}

/** @param jobId of a job that is not in the queue. */
export function noJobPage(jobId: string): Page {
  return {
    title: `Job ${shownId(jobId)}`,
    section: 'jobs',
    status: 404,
    sought: jobId,
    body: html`<p class="lead">
      No job with this id is in the queue. Completed jobs are kept for an hour, failed ones for 14 days.
    </p>`,
  };
}

function cardOf(name: string, title: string, content: Markup): Markup {
  return html`<section class="card wide" aria-labelledby="heading-${name}">
    <h2 id="heading-${name}">${title}</h2>
    ${content}
  </section>`;
}

function stateMarkup({ state, why, code, outcome }: JobDetails): Markup {
  const known = STATES.find((one) => one === state);
  const name = known === undefined ? 'in no list of the queue' : STATE_NAMES[known];
  const link = known === undefined ? name : html`<a href="${pathOf('/jobs', { state: known })}">${name}</a>`;
  if (code !== undefined)
    return html`${link}: <a href="${pathOf('/jobs', { state, code })}"><code>${code}</code></a>`;
  if (outcome !== undefined) return html`${link}: ${outcome}`;
  if (why === undefined) return html`${link}`;
  const { reason, at } = why;
  return html`${link}: ${waitText(why)}${reason === undefined ? '' : `: ${reason}`}
  ${at === undefined ? '' : html`since ${timeMarkup(at)}`}`;
}

function userMarkup(job: JobDetails): Markup {
  const link = pathOfUser(job);
  const ids = [
    ['clientId', job.clientId],
    ['UserId', job.userId],
  ].flatMap(([name = '', id]) => (id === undefined ? [] : [html`${name} ${idLink(id, link)} `]));
  if (ids.length === 0) return html`<span class="none">not known from its data</span>`;
  return html`${ids}in ${job.instance ?? 'default'}`;
}

function timesOf(job: JobDetails, now: number): [string, Markup][] {
  const times: [string, number | undefined][] = [
    ['Added', job.addedAt],
    ['Due', job.dueAt],
    ['Last started', job.startedAt],
    ['Ended', job.endedAt],
  ];
  return times.flatMap(([name, at]): [string, Markup][] =>
    at === undefined ? [] : [[name, html`${timeMarkup(at)} <small>${distanceText(at, now)}</small>`]],
  );
}

function jsonMarkup(value: unknown): Markup {
  return html`<pre><code>${shownText(JSON.stringify(value, null, 2))}</code></pre>`;
}
