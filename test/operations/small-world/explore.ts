/**
 * Goes through all states of a small world, and looks in each for what must never be. A counterexample is told as the history that
 * leads to it.
 */
import { nextsOf } from './next-states.ts';
import { createKeys } from './state-key.ts';
import type { Rules, State } from './state.ts';

export interface Explored {
  states: number;
  /** The history that leads to what must never be; undefined where there is none. */
  counterexample?: string;
}

/** All states that can be reached from this one. */
export function explore(first: State, rules: Rules): Explored {
  const keyOf = createKeys();
  const places = new Map<string, number>([[keyOf(first), 0]]);
  const states: (State | undefined)[] = [first];
  const cameFrom: { place: number; told: string }[] = [{ place: -1, told: '' }];
  const leadsTo: number[][] = [];
  const ticks: number[] = [];
  for (let at = 0; at < states.length; at += 1) {
    const state = states[at];
    if (state === undefined) continue;
    const nexts: number[] = [];
    for (const { told, state: next } of nextsOf(state, rules)) {
      const key = keyOf(next);
      let place = places.get(key);
      if (place === undefined) {
        place = states.length;
        places.set(key, place);
        states.push(next);
        cameFrom.push({ place: at, told });
        if (next.violation !== undefined) {
          return { states: states.length, counterexample: historyOf(place, cameFrom, next.violation) };
        }
      }
      nexts.push(place);
    }
    leadsTo.push(nexts);
    ticks.push(state.tick);
    const hasEnded = state.jobs.every(({ end }) => end !== undefined);
    // What is looked at no more need not be kept; that it has ended is.
    states[at] = hasEnded ? ENDED : undefined;
  }
  const stuck = withoutEnd(leadsTo, (place) => states[place] === ENDED, ticks);
  return {
    states: states.length,
    ...(stuck !== undefined && {
      counterexample: historyOf(stuck, cameFrom, 'from here on no way leads to an end'),
    }),
  };
}

const ENDED: State = {
  tick: 0,
  users: [],
  entries: {},
  jobs: [],
  left: { losses: 0, crashes: 0, moves: 0, renames: 0 },
};

/** A place from which no way leads to where all jobs have ended. */
function withoutEnd(
  leadsTo: readonly number[][],
  hasEnded: (place: number) => boolean,
  ticks: readonly number[],
): number | undefined {
  const comesFrom: number[][] = leadsTo.map(() => []);
  for (const [from, tos] of leadsTo.entries()) for (const to of tos) comesFrom[to]?.push(from);
  const good = new Uint8Array(leadsTo.length);
  const open = [...leadsTo.keys()].filter(hasEnded);
  for (const place of open) good[place] = 1;
  for (let place = open.pop(); place !== undefined; place = open.pop()) {
    for (const from of comesFrom[place] ?? []) {
      if (good[from] === 0) {
        good[from] = 1;
        open.push(from);
      }
    }
  }
  // In the last moments there may be no time left.
  const stuck = good.findIndex((isGood, place) => isGood === 0 && (ticks[place] ?? 0) <= 1);
  return stuck < 0 ? undefined : stuck;
}

function historyOf(
  place: number,
  cameFrom: readonly { place: number; told: string }[],
  violation: string,
): string {
  const lines = [violation];
  for (let at = place; at > 0; at = cameFrom[at]?.place ?? 0) lines.push(cameFrom[at]?.told ?? '');
  return lines.toReversed().join('\n');
}
