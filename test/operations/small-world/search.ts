/**
 * Searches many small worlds, each with many lists of jobs, under one set of rules.
 */
import { explore } from './explore.ts';
import { JOBS, WORLDS, isImpossible, isKnownLimit, isUnnamed, stateOf } from './scenarios.ts';
import type { Rules, State } from './state.ts';

export const RULES: Rules = {
  mode: 'derived',
  duplicate: 'same',
  unknownDelete: 'not-found',
  repeatedMove: 'done',
  lags: true,
  knowsThere: true,
};

/** Searches all worlds with all jobs, and reports each history that leads to a forbidden state. */
export function searchAll(
  rules: Rules,
  left: Partial<State['left']>,
  searched = { jobs: JOBS, worlds: WORLDS },
) {
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
