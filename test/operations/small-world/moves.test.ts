import { describe, expect, it } from 'vitest';
import { MOVES, WORLDS_OF_MOVES } from './scenarios.ts';
import { RULES, searchAll } from './search.ts';

const WITH_MOVES = { jobs: MOVES, worlds: WORLDS_OF_MOVES };

/** The worlds in which a move is carried out most often. */
const FEW_MOVES = {
  jobs: MOVES,
  worlds: Object.fromEntries(
    Object.entries(WORLDS_OF_MOVES).filter(([name]) => /^our user of a($|, and)/.test(name)),
  ),
};

describe('in no state of the small world is there a second user, a lie, a wrong call or no end', () => {
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
});
