/**
 * The text format of Prometheus, and the counters and histograms of a worker: plain numbers by the values of their labels, as a job
 * changes several. A library took ten times as long a job, and 90 modules at the start.
 */

export const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

export type Sample = readonly [
  value: number,
  labels?: Readonly<Record<string, string>> | undefined,
  suffix?: string,
];

interface Named {
  readonly name: string;
  readonly help: string;
}

/** One metric in the text format. */
export function metricText(
  { name, help }: Named,
  type: 'counter' | 'gauge' | 'histogram',
  samples: readonly Sample[],
): string {
  const lines = samples.map(([value, labels = {}, suffix = '']) => {
    const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text)}"`);
    return `${name}${suffix}${pairs.length > 0 ? `{${pairs.join(',')}}` : ''} ${value}`;
  });
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...lines, ''].join('\n');
}

function escaped(text: string): string {
  return text
    .replaceAll('\\', String.raw`\\`)
    .replaceAll('\n', String.raw`\n`)
    .replaceAll('"', String.raw`\"`);
}

/** Values by the values of some labels, given in the order of the labels. */
class Series<Value> {
  readonly #labels: readonly string[];
  readonly #values = new Map<string, Value>();

  constructor(labels: readonly string[]) {
    this.#labels = labels;
  }

  get(values: readonly string[]): Value | undefined {
    return this.#values.get(values.join('\n'));
  }

  set(values: readonly string[], value: Value): void {
    this.#values.set(values.join('\n'), value);
  }

  all(): [Record<string, string>, Value][] {
    return [...this.#values].map(([key, value]) => {
      const texts = key.split('\n');
      return [Object.fromEntries(this.#labels.map((label, at) => [label, texts[at] ?? ''])), value];
    });
  }
}

export class Counter {
  readonly #named: Named;
  readonly #series: Series<number>;

  /** Without labels it starts at 0. */
  constructor(named: Named, labels: readonly string[]) {
    this.#named = named;
    this.#series = new Series(labels);
    if (labels.length === 0) this.add([], 0);
  }

  /** @param values of the labels, in their order; of a closed set. */
  add(values: readonly string[] = [], by = 1): void {
    this.#series.set(values, (this.#series.get(values) ?? 0) + by);
  }

  text(): string {
    const samples = this.#series.all().map(([labels, value]): Sample => [value, labels]);
    return metricText(this.#named, 'counter', samples);
  }
}

export class Histogram {
  readonly #named: Named;
  readonly #bounds: readonly number[];
  readonly #series: Series<{ counts: number[]; sum: number }>;

  /** @param bounds the upper bounds of the buckets, ascending; the last bucket has none. */
  constructor(named: Named, labels: readonly string[], bounds: readonly number[]) {
    this.#named = named;
    this.#bounds = bounds;
    this.#series = new Series(labels);
  }

  observe(values: readonly string[], value: number): void {
    let seen = this.#series.get(values);
    if (seen === undefined) {
      seen = { counts: [...this.#bounds, Infinity].map(() => 0), sum: 0 };
      this.#series.set(values, seen);
    }
    const found = this.#bounds.findIndex((bound) => value <= bound);
    const bucket = found < 0 ? this.#bounds.length : found;
    seen.counts[bucket] = (seen.counts[bucket] ?? 0) + 1;
    seen.sum += value;
  }

  text(): string {
    const samples = this.#series.all().flatMap(([labels, { counts, sum }]): Sample[] => {
      let count = 0;
      const buckets = counts.map((inBucket, at): Sample => {
        count += inBucket;
        return [count, { le: String(this.#bounds[at] ?? '+Inf'), ...labels }, '_bucket'];
      });
      return [...buckets, [sum, labels, '_sum'], [count, labels, '_count']];
    });
    return metricText(this.#named, 'histogram', samples);
  }
}
