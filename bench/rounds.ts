/**
 * Lets sides take turns, so that whatever else the machine does meets all of them alike. Knows nothing of what they do.
 */
import type { PartOptions } from './part.ts';

/** Enough that one disturbed round moves no median. */
const ROUNDS = 7;
const QUICK_ROUNDS = 5;

export function roundsFor({ isQuick, rounds }: Pick<PartOptions, 'isQuick' | 'rounds'>): number {
  return rounds ?? (isQuick ? QUICK_ROUNDS : ROUNDS);
}

/**
 * Measures each side once in every round, in an order that is turned round from one to the next.
 * @returns what was measured, round by round, the sides as they were given.
 */
export async function inTurns<Side, Result>(
  rounds: number,
  sides: readonly Side[],
  measure: (side: Side) => Promise<Result>,
): Promise<Result[][]> {
  const measured: Result[][] = [];
  for (let round = 0; round < rounds; round++) {
    const results: Result[] = [];
    const places = [...sides.entries()];
    for (const [place, side] of round % 2 === 0 ? places : places.toReversed()) {
      results[place] = await measure(side);
    }
    measured.push(results);
  }
  return measured;
}

/** What one side came to, round by round. @param place of the side, as the sides were given. */
export function column<Result>(
  rounds: readonly (readonly Result[])[],
  place: number,
  of: (result: Result) => number,
): number[] {
  return rounds.flatMap((round) => round.slice(place, place + 1)).map(of);
}

/** One side to another, round by round: what the machine does in between meets both. */
export function ratiosOf<Result>(
  rounds: readonly (readonly Result[])[],
  { of: one, to: other }: { of: number; to: number },
  value: (result: Result) => number,
): number[] {
  const divisors = column(rounds, other, value);
  return column(rounds, one, value).map((dividend, round) => dividend / (divisors[round] ?? Number.NaN));
}
