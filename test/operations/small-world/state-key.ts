/**
 * What tells one state of the small world from another, as a short text.
 */
import type { State } from './state.ts';

/** Gives equal states the same key. A user, record or fact is written out once, as it is never changed, only replaced. */
export function createKeys(): (state: State) => string {
  const numbers = new Map<string, number>();
  const known = new Map<object, number>();
  return ({ tick, users, entries, jobs, left }) =>
    JSON.stringify([
      tick,
      users.map(numberOf),
      Object.entries(entries).map(([name, { at, record, owner, movedUser }]) => [
        name,
        at,
        record && numberOf(record),
        owner,
        movedUser,
      ]),
      jobs.map(({ end, run, hasMoved }) => [
        end,
        hasMoved,
        run && { ...run, record: numberOf(run.record), facts: run.facts.map(numberOf) },
      ]),
      left,
    ]);

  function numberOf(value: object): number {
    const knownNumber = known.get(value);
    if (knownNumber !== undefined) return knownNumber;
    const text = JSON.stringify(value);
    const number = numbers.get(text) ?? numbers.size;
    numbers.set(text, number);
    known.set(value, number);
    return number;
  }
}
