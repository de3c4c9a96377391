/**
 * The panel of the goal: the share of jobs that ended in time, and how fast the late ones use up what the goal leaves.
 */
import { html } from 'hono/html';
import { spanInWords } from '../../../contract/duration.ts';
import { GOAL, type SettledInTime, type Window } from '../../settled-in-time.ts';
import { type Markup, timeMarkup } from '../markup.ts';
import { figure } from '../words.ts';

export function goalMarkup({ since, windows }: SettledInTime): Markup {
  return html`<p class="lead">
      The goal: ${Math.round(GOAL.share * 100)} of 100 jobs end within ${spanInWords(GOAL.withinMs)} of being
      due. These are the jobs of <b>this worker</b>, which runs since ${timeMarkup(since)}; Prometheus adds up
      the fleet.
    </p>
    <dl class="windows">${windows.toSorted((a, b) => a.minutes - b.minutes).map(windowMarkup)}</dl>`;
}

function windowMarkup({ minutes, settled, late, burnRate, isBurning }: Window): Markup {
  const share = settled === 0 ? '–' : shareText((settled - late) / settled);
  const rate = burnRate === undefined ? '' : html`, burn rate <b>${burnRate.toFixed(1)}</b>`;
  return html`<div>
    <dt>${spanInWords(minutes * 60_000)}</dt>
    <dd>
      <span class="figure ${isBurning ? 'is-failed' : ''}">${share}</span>
      <small>${figure(late)} of ${figure(settled)} late${rate}</small>
    </dd>
  </div>`;
}

/** Rounded down: 100 % only if none was late. */
function shareText(share: number): string {
  return `${(Math.floor(share * 1000) / 10).toFixed(1)} %`;
}
