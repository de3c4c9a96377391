/**
 * What a benchmark has measured, for people and for machines, and the few statistics it takes. Knows nothing of what is measured.
 */

export interface Figure {
  /** Its name in the JSON. */
  readonly name: string;
  readonly what: string;
  readonly value: number;
  readonly unit:
    | 'B'
    | 'MB'
    | 'GB'
    | 'Mbit/s'
    | 'million'
    | 'shards'
    | 'workers'
    | 'ns'
    | 'us'
    | 'ms'
    | 's'
    | '/s'
    | 'x'
    | 'calls'
    | 'cores';
  /** The least and the greatest of a round, where the value is the median of several. */
  readonly range?: readonly [least: number, greatest: number];
  /** What it should be at most, in the same unit. Never enforced: the machine may be busy. */
  readonly goal?: number;
  /** Where it should be as much at least. */
  readonly goalIs?: 'at least';
}

export interface Section {
  readonly title: string;
  readonly figures: readonly Figure[];
  /** What must be known to read the figures, a line each. */
  readonly notes?: readonly string[];
}

/** Nearest rank; NaN of none. @param share from 0 to 1, so 0.5 is the median. */
export function percentile(values: readonly number[], share: number): number {
  const ordered = values.toSorted((a, b) => a - b);
  return ordered[Math.max(0, Math.ceil(share * ordered.length) - 1)] ?? Number.NaN;
}

export function median(values: readonly number[]): number {
  return percentile(values, 0.5);
}

/** The median of the rounds, with the least and the greatest, which show how precise the machine is. */
export function overRounds(figure: Omit<Figure, 'value' | 'range'>, rounds: readonly number[]): Figure {
  return { ...figure, value: median(rounds), range: [Math.min(...rounds), Math.max(...rounds)] };
}

/** Runs a step so many times, one after the other, and answers what each took, in milliseconds. */
export async function timesOf(count: number, step: (index: number) => Promise<unknown>): Promise<number[]> {
  const tookMs: number[] = [];
  for (let index = 0; index < count; index++) {
    const startedAt = performance.now();
    await step(index);
    tookMs.push(performance.now() - startedAt);
  }
  return tookMs;
}
