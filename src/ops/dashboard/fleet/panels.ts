/**
 * The parts of the page, each as HTML of the fleet's state; a refresh replaces the old ones. Everything is escaped, and no single job is
 * shown.
 */
import { html } from 'hono/html';
import { durationText, instantText, spanInWords } from '../../../contract/duration.ts';
import type { OutcomeCount } from '../../../store/users/outcome-counts.ts';
import type { FleetStatus } from '../../fleet-status.ts';
import type { SettledInTime } from '../../settled-in-time.ts';
import { attentionTo } from './attention.ts';
import { goalMarkup } from './goal.ts';
import { type Markup, withCode } from '../markup.ts';
import { pathOf } from '../paths.ts';
import { type Bar, barChart, scaleFor } from './charts.ts';
import type { Reading, State } from './reading.ts';
import { circuitText, clockTime, counted, dayName, figure, minuteTime } from '../words.ts';

export interface PanelsContext {
  loginsPerHour: number;
  inTime: SettledInTime;
}

export const PANELS = [
  'asof',
  'decision',
  'figures',
  'flow',
  'outcomes',
  'circuits',
  'limits',
  'deletions',
  'events',
  'goal',
] as const;
export type PanelName = (typeof PANELS)[number];

export type Panels = Record<PanelName, string>;

/** Without any state yet the other panels are empty. */
export async function panelsOf(reading: Reading, context: PanelsContext): Promise<Panels> {
  const state = reading.is === 'fresh' ? reading.state : reading.last;
  const of = async (render: (state: State) => Markup) =>
    state === undefined ? '' : String(await render(state));
  return {
    asof: await of(({ fleet }) => html`as of <time>${clockTime(fleet.at)}</time> UTC`),
    decision: String(await decision(reading)),
    figures: await of(({ fleet }) => figures(fleet)),
    flow: await of(flow),
    outcomes: await of(({ fleet }) => outcomes(fleet)),
    circuits: await of(({ fleet }) => circuits(fleet)),
    limits: await of(({ fleet }) => limits(fleet, context)),
    deletions: await of(deletions),
    events: await of(({ fleet }) => events(fleet)),
    goal: String(await goalMarkup(context.inTime)),
  };
}

function decision(reading: Reading): Markup {
  const found = attentionTo(reading);
  if (found.length === 0) {
    return html`<p class="calm">
      <span class="dot well"></span><strong>All is well.</strong> Nothing needs attention.
    </p>`;
  }
  return html`<ul class="attention">
    ${found.map(
      ({ name, level, text, advice, href }) =>
        html`<li class="${level}">
          <span class="dot"></span>
          <p>
            <strong>${withCode(text)}</strong> ${withCode(advice)}
            ${href === undefined ? '' : html`<a id="to-${name.replaceAll(' ', '-')}" href="${href}">Show them</a>`}
          </p>
        </li>`,
    )}
  </ul>`;
}

function figures({ jobs, lastHour, deletions, at }: FleetStatus): Markup {
  const ended = lastHour.reduce((sum, count) => sum + count.jobs, 0);
  const list = (state: string) => pathOf('/jobs', { state });
  const { oldestSince, nextDueAt } = { ...jobs, ...deletions };
  const oldest = oldestSince === undefined ? 'none in line' : `oldest for ${durationText(at - oldestSince)}`;
  const next = nextDueAt === undefined ? 'none' : `next ${dueText(nextDueAt, at)}`;
  const tiles: { id: string; name: string; value: number; note: string; href?: string }[] = [
    { id: 'waiting', name: 'Waiting', value: jobs.waiting, note: oldest, href: list('waiting') },
    { id: 'active', name: 'Active', value: jobs.active, note: 'at this moment', href: list('active') },
    { id: 'ended', name: 'Ended', value: ended, note: 'within the hour' },
    { id: 'failed', name: 'Failed', value: jobs.failed, note: 'kept for 14 days', href: list('failed') },
    {
      id: 'delayed',
      name: 'Delayed',
      value: jobs.delayed,
      note: 'deferred, held, retried',
      href: list('delayed'),
    },
    { id: 'pending', name: 'Deletions', value: deletions.count, note: next, href: pathOf('/deletions') },
  ];
  return html`<dl class="tiles">
    ${tiles.map(
      ({ id, name, value, note, href }) =>
        html`<div class="tile ${id === 'failed' && value > 0 ? 'noted' : ''}">
          <dt>${href === undefined ? name : html`<a id="to-${id}" href="${href}">${name}</a>`}</dt>
          <dd><span class="figure">${figure(value)}</span><small>${note}</small></dd>
        </div>`,
    )}
  </dl>`;
}

const ENDS = ['done', 'superseded', 'failed'] as const;

/** The number of these jobs by outcome. */
function ends(counts: readonly OutcomeCount[]) {
  return ENDS.map((kind) => ({
    kind,
    value: counts.filter(({ outcome }) => outcome === kind).reduce((sum, { jobs }) => sum + jobs, 0),
  }));
}

const sumOf = (parts: readonly { value: number }[]) => parts.reduce((sum, { value }) => sum + value, 0);

function flow({ minutes }: State): Markup {
  const bars = minutes.map(({ at, counts }): Bar => {
    const parts = ends(counts);
    const summary = parts.map(({ kind, value }) => `${figure(value)} ${kind}`).join(', ');
    return { title: `${minuteTime(at)} UTC: ${summary}`, parts };
  });
  const sums = bars.map(({ parts }) => sumOf(parts));
  const most = Math.max(0, ...sums);
  const total = sums.reduce((all, sum) => all + sum, 0);
  const ticks = [0, 15, 30, 45, 60].map((index) => minutes[index]?.at).filter((at) => at !== undefined);
  return html`${plot(bars, `${counted(total, 'job')} ended within the hour, ${figure(most)} in the busiest minute.`)}
    <p class="axis minutes">${ticks.map((at) => html`<span>${minuteTime(at)}</span>`)}</p>
    <p class="legend">${ENDS.map((kind) => html`<span><i class="${kind}"></i>${kind}</span>`)}</p>`;
}

/** Bars with a scale that fits the highest. */
function plot(bars: readonly Bar[], summary: string, height = ''): Markup {
  const scale = scaleFor(Math.max(0, ...bars.map(({ parts }) => sumOf(parts))));
  return html`<div class="plot ${height}">
    <span class="top">${figure(scale)}</span>
    ${barChart(bars, { scale, summary })}
  </div>`;
}

function outcomes({ lastHour }: FleetStatus): Markup {
  const operations = Map.groupBy(lastHour, ({ operation }) => operation);
  if (operations.size === 0) return html`<p class="none">No job ended within the hour.</p>`;
  const rows = [...operations.keys()].sort().map((operation) => {
    const counts = operations.get(operation) ?? [];
    const codes = counts.filter(({ code }) => code !== undefined).map(codeMarkup);
    return html`<tr>
      <th scope="row">${operation} ${codes.length > 0 ? html`<small>${codes}</small>` : ''}</th>
      ${ends(counts).map(({ kind, value }) => html`<td class="${value > 0 ? `is-${kind}` : 'zero'}">${figure(value)}</td>`)}
    </tr>`;
  });
  return html`<table>
    <thead>
      <tr>
        ${['Operation', 'Done', 'Superseded', 'Failed'].map((title) => html`<th scope="col">${title}</th>`)}
      </tr>
    </thead>
    <tbody>
      ${rows}
    </tbody>
  </table>`;
}

/** Failed jobs have a page by code. */
function codeMarkup({ outcome, code = '', jobs }: OutcomeCount): Markup {
  if (outcome !== 'failed') return html`<span>${code} ${figure(jobs)}</span>`;
  return html`<span
    ><a href="${pathOf('/jobs', { state: 'failed', code })}">${code}</a> ${figure(jobs)}</span
  >`;
}

function circuits({ circuits: all, at }: FleetStatus): Markup {
  return html`<ul class="circuits">
    ${all.map(({ circuit, openSince, held }) => {
      const isDeletionLimit = circuit === 'deletion-limit';
      const isOpen = isDeletionLimit ? held > 0 : openSince !== undefined;
      const since = openSince === undefined ? '' : ` for ${durationText(at - openSince)}`;
      const state = isOpen
        ? `${isDeletionLimit ? 'holds' : 'open'}${since}`
        : isDeletionLimit
          ? 'holds none'
          : 'closed';
      return html`<li>
        <span class="dot ${isOpen ? 'alarm' : 'well'}"></span
        ><span class="name">${circuitText(circuit)}</span>
        <span class="state"
          >${state}${held > 0 ? html` · <a href="${heldPathOf(circuit)}">${counted(held, 'job')}</a>` : ''}</span
        >
      </li>`;
    })}
  </ul>`;
}

function heldPathOf(circuit: string): string {
  return pathOf(circuit === 'deletion-limit' ? '/deletions' : '/jobs', { state: 'held' });
}

function limits({ logins, rate, at }: FleetStatus, { loginsPerHour }: PanelsContext): Markup {
  const { ratePerS, pausedUntil = 0 } = rate;
  const loginsText =
    logins === undefined
      ? 'not rationed here'
      : `${figure(logins.left)} of ${figure(loginsPerHour)} left within the hour`;
  const rateText = ratePerS === undefined ? 'no limit' : `at most ${ratePerS.toFixed(1)} a second`;
  const pauseText = pausedUntil > at ? `, none for ${durationText(pausedUntil - at)}` : '';
  const rows = { Logins: loginsText, Requests: `${rateText}${pauseText}` };
  return html`<dl class="limits">
    ${Object.entries(rows).map(
      ([name, text]) =>
        html`<div>
          <dt>${name}</dt>
          <dd>${text}</dd>
        </div>`,
    )}
  </dl>`;
}

function deletions({ fleet, calendar }: State): Markup {
  const bars = calendar.map(({ from, deletions }, index): Bar => {
    const isRest = index === calendar.length - 1;
    const day = index === 0 ? 'Today' : isRest ? `From ${dayName(from)} on` : dayName(from);
    return {
      title: `${day}: ${figure(deletions)}`,
      href: deletions === 0 ? undefined : dayPathOf(from, isRest),
      parts: [{ kind: isRest ? 'later' : 'pending', value: deletions }],
    };
  });
  const { count, nextDueAt } = fleet.deletions;
  const next = nextDueAt === undefined ? '' : `, the next ${dueText(nextDueAt, fleet.at)}`;
  const ticks = [0, 7, 14, 21].map((day) => calendar[day]?.from).filter((from) => from !== undefined);
  return html`<p class="lead">${figure(count)} pending${next}</p>
    ${plot(bars, `${counted(count, 'deletion')} pending, by day.`, 'low')}
    <p class="axis days">
      ${ticks.map((from, index) => html`<span>${index === 0 ? 'today' : dayName(from)}</span>`)}<span
        >later</span
      >
    </p>`;
}

function dayPathOf(from: number, isRest: boolean): string {
  const day = new Date(from).toISOString().slice(0, 10);
  return pathOf('/deletions', isRest ? { 'from-day': day } : { day });
}

function events({ events: queues }: FleetStatus): Markup {
  if (queues.length === 0) return html`<p class="none">No events are published (EVENTS_QUEUES=none).</p>`;
  return html`<ul class="queues">
    ${queues.map(
      ({ queue, waiting, failed }, index) =>
        html`<li>
          <a id="to-events-${index}" href="${pathOf('/dead-letters', { queue })}">${queue}</a>
          <span
            ><b>${figure(waiting)}</b>
            waiting${failed > 0 ? html`, <b>${figure(failed)}</b> ${failed === 1 ? 'dead letter' : 'dead letters'}` : ''}</span
          >
        </li>`,
    )}
  </ul>`;
}

function dueText(dueAt: number, at: number): string {
  if (instantText(dueAt) === undefined) return 'due beyond the calendar';
  return dueAt <= at ? 'due now' : `in ${spanInWords(dueAt - at)}`;
}
