import { describe, expect, it } from 'vitest';
import { explore } from './explore.ts';
import {
  JOBS,
  MOVES,
  WORLDS,
  WORLDS_OF_MOVES,
  isImpossible,
  isKnownLimit,
  isUnnamed,
  stateOf,
} from './scenarios.ts';
import type { Rules, State } from './state.ts';

const RULES: Rules = {
  mode: 'derived',
  duplicate: 'same',
  unknownDelete: 'not-found',
  repeatedMove: 'done',
  lags: true,
  knowsThere: true,
};

const WITH_MOVES = { jobs: MOVES, worlds: WORLDS_OF_MOVES };

/** The worlds in which a move is carried out most often. */
const FEW_MOVES = {
  jobs: MOVES,
  worlds: Object.fromEntries(
    Object.entries(WORLDS_OF_MOVES).filter(([name]) => /^our user of a($|, and)/.test(name)),
  ),
};

/** Searches all worlds with all jobs, and reports each history that leads to a forbidden state. */
function searchAll(rules: Rules, left: Partial<State['left']>, searched = { jobs: JOBS, worlds: WORLDS }) {
  let states = 0;
  const found: string[] = [];
  for (const [jobs, list] of Object.entries(searched.jobs)) {
    for (const [name, world] of Object.entries(searched.worlds)) {
      if (isKnownLimit(name, rules) || isUnnamed(jobs, name) || isImpossible(jobs, name)) continue;
      const explored = explore(stateOf(world, list, left), rules);
      const { counterexample } = explored;
      states += explored.states;
      if (counterexample !== undefined) found.push(`${jobs}, ${name}:\n${counterexample}`);
    }
  }
  process.stdout.write(`${states} states: ${JSON.stringify({ ...rules, ...left })}\n`);
  return { states, found };
}

describe('in no state of the small world is there a second user, a lie, a wrong call or no end', () => {
  it.each([
    ['a reply is lost', { losses: 1 }],
    ['a run is cut off', { crashes: 1 }],
    ['others move a user', { moves: 1 }],
    ['others give a user another clientId', { renames: 1 }],
  ])('whenever %s', { timeout: 300_000 }, (_what, left) => {
    const { states, found } = searchAll(RULES, left);
    expect(found).toEqual([]);
    expect(states).toBeGreaterThan(50_000);
  });

  it.each([
    ['a reply is lost and others move a user', RULES, { losses: 1, moves: 1 }],
    ['a reply is lost and a run is cut off', RULES, { losses: 1, crashes: 1 }],
    ['a known id is a conflict', { ...RULES, duplicate: 'conflict' }, { losses: 1, crashes: 1 }],
    [
      'a known id is rejected, and an unknown one forbidden',
      { ...RULES, duplicate: 'rejected', unknownDelete: 'forbidden' },
      { losses: 1, moves: 1 },
    ],
    [
      'a deletion of an unknown user is a success',
      { ...RULES, unknownDelete: 'ok' },
      { losses: 1, crashes: 1 },
    ],
    ['Damoov chooses the ids', { ...RULES, mode: 'assigned' }, { losses: 1, crashes: 1 }],
    ['the other instance is not configured', { ...RULES, knowsThere: false }, { losses: 1, moves: 1 }],
    ['no look-up lags', { ...RULES, lags: false }, { losses: 1, crashes: 1, moves: 1 }],
  ] as const)('where %s', { tags: ['slow'], timeout: 900_000 }, (_what, rules, left) => {
    expect(searchAll(rules, left).found).toEqual([]);
  });

  it('whenever a reply is lost and jobs move users', { timeout: 300_000 }, () => {
    const { states, found } = searchAll(RULES, { losses: 1 }, FEW_MOVES);
    expect(found).toEqual([]);
    expect(states).toBeGreaterThan(30_000);
  });

  it.each([
    ['a reply is lost and a run is cut off', RULES, { losses: 1, crashes: 1 }],
    ['a reply is lost and others move a user', RULES, { losses: 1, moves: 1 }],
    ['others give a user another clientId', RULES, { renames: 1 }],
    [
      'a repeated move is rejected, and a run is cut off',
      { ...RULES, repeatedMove: 'rejected' },
      { losses: 1, crashes: 1 },
    ],
    [
      'a repeated move is rejected, and others move a user',
      { ...RULES, repeatedMove: 'rejected' },
      { losses: 1, moves: 1 },
    ],
    [
      'a repeated move is a conflict, and so is a known id',
      { ...RULES, repeatedMove: 'conflict', duplicate: 'conflict' },
      { losses: 1 },
    ],
    ['Damoov chooses the ids', { ...RULES, mode: 'assigned' }, { losses: 1, crashes: 1 }],
    ['no look-up lags', { ...RULES, lags: false }, { losses: 1, crashes: 1 }],
  ] as const)('where jobs move users, and %s', { tags: ['slow'], timeout: 900_000 }, (_what, rules, left) => {
    expect(searchAll(rules, left, WITH_MOVES).found).toEqual([]);
  });

  it('the search finds forbidden states, and reports the history of each', () => {
    const world = WORLDS['our user of a, of whom nothing is remembered'];
    const jobs = JOBS['two sign-ups'];
    if (world === undefined || jobs === undefined) throw new Error('no such world');
    // A documented limit: if Damoov chooses the ids, no record leads to a forgotten user.
    const { counterexample } = explore(stateOf(world, jobs, {}), { ...RULES, mode: 'assigned' });
    expect(counterexample?.split('\n')).toEqual([
      'job 1 (create) begins',
      'job 1 (create): create chosen b: made',
      'a second user of a: cccccccc',
    ]);
  });
});
