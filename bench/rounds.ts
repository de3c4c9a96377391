/**
 * Lets sides take turns, so that whatever else the machine does meets all of them alike. Knows nothing of what they do.
 */

/** Enough that one disturbed round moves no median. */
const ROUNDS = 7;
const QUICK_ROUNDS = 5;

export function roundsFor({ isQuick }: { isQuick: boolean }): number {
  return isQuick ? QUICK_ROUNDS : ROUNDS;
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
