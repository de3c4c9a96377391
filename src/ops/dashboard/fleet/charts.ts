/**
 * Bar charts as SVG without scripts: each bar has a tooltip, and the chart has a summary for screen readers.
 */
import { html } from 'hono/html';
import type { Markup } from '../markup.ts';

export interface Bar {
  /** The tooltip. */
  title: string;
  /** Where a click leads. */
  href?: string | undefined;
  /** In order from the bottom. */
  parts: readonly { kind: Kind; value: number }[];
}

export type Kind = 'done' | 'superseded' | 'failed' | 'pending' | 'later';

/** In units of the drawing, which is stretched to the available width. */
const STEP = 10;
const GAP = 2;
const HEIGHT = 100;
/** A small value must still be visible. */
const LEAST = 2;

/** @param summary the chart in one sentence. */
export function barChart(
  bars: readonly Bar[],
  { summary, scale }: { summary: string; scale: number },
): Markup {
  const width = bars.length * STEP - GAP;
  return html`<svg
    class="chart"
    role="${bars.some(({ href }) => href !== undefined) ? 'group' : 'img'}"
    aria-label="${summary}"
    viewBox="0 0 ${width} ${HEIGHT}"
    preserveAspectRatio="none"
  >
    <line class="rule" x1="0" x2="${width}" y1="0.5" y2="0.5" />
    <line class="rule" x1="0" x2="${width}" y1="${HEIGHT / 2}" y2="${HEIGHT / 2}" />
    ${bars.map((bar, index) => column(bar, index * STEP, scale))}
  </svg>`;
}

/** The next round number above: 1, 2, 5, 10, 20, 50 … */
export function scaleFor(most: number): number {
  const unit = 10 ** Math.floor(Math.log10(Math.max(1, most)));
  return [1, 2, 5, 10].map((times) => times * unit).find((top) => top >= most) ?? most;
}

function column({ title, href, parts }: Bar, x: number, scale: number): Markup {
  let y = HEIGHT;
  const rects = parts
    .filter(({ value }) => value > 0)
    .map(({ kind, value }) => {
      const height = Math.min(y, Math.max(LEAST, (HEIGHT * value) / scale));
      y -= height;
      return html`<rect
        class="${kind}"
        x="${x}"
        y="${rounded(y)}"
        width="${STEP - GAP}"
        height="${rounded(height)}"
      />`;
    });
  // The whole height reacts to the pointer, even without a visible bar.
  const all = html`<title>${title}</title>
    <rect class="ground" x="${x}" y="0" width="${STEP - GAP}" height="${HEIGHT}" />
    ${rects}`;
  return href === undefined
    ? html`<g>${all}</g>`
    : html`<a class="bar" href="${href}" aria-label="${title}">${all}</a>`;
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
