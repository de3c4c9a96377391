/**
 * Bars, as SVG that needs no script: each says in words what it shows to whoever points at it, and the whole in a sentence to
 * whoever cannot see it. Knows shares and words, not what is counted.
 */
import { html } from 'hono/html';

export interface Bar {
  /** What is said of it. */
  title: string;
  /** From the bottom up. */
  parts: readonly { kind: Kind; value: number }[];
}

export type Kind = 'done' | 'superseded' | 'failed' | 'pending' | 'later';

export type Markup = ReturnType<typeof html>;

/** In units of the drawing, which is stretched to the width that there is. */
const STEP = 10;
const GAP = 2;
const HEIGHT = 100;
/** What is there can be seen, however little it is beside the rest. */
const LEAST = 2;

/** @param summary the whole in a sentence. */
export function barChart(
  bars: readonly Bar[],
  { summary, scale }: { summary: string; scale: number },
): Markup {
  const width = bars.length * STEP - GAP;
  return html`<svg
    class="chart"
    role="img"
    aria-label="${summary}"
    viewBox="0 0 ${width} ${HEIGHT}"
    preserveAspectRatio="none"
  >
    <line class="rule" x1="0" x2="${width}" y1="0.5" y2="0.5" />
    <line class="rule" x1="0" x2="${width}" y1="${HEIGHT / 2}" y2="${HEIGHT / 2}" />
    ${bars.map((bar, index) => column(bar, index * STEP, scale))}
  </svg>`;
}

/** The next round figure above: 1, 2, 5, 10, 20, 50 … */
export function scaleFor(most: number): number {
  const unit = 10 ** Math.floor(Math.log10(Math.max(1, most)));
  return [1, 2, 5, 10].map((times) => times * unit).find((top) => top >= most) ?? most;
}

function column({ title, parts }: Bar, x: number, scale: number): Markup {
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
  // The whole height answers to the pointer, also if there is nothing to see.
  return html`<g>
    <title>${title}</title>
    <rect class="ground" x="${x}" y="0" width="${STEP - GAP}" height="${HEIGHT}" />
    ${rects}
  </g>`;
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
