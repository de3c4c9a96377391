import { expect, it } from 'vitest';
import { explore } from './explore.ts';
import { JOBS, WORLDS, stateOf } from './scenarios.ts';
import type { Rules } from './state.ts';
const rules: Rules = { mode: 'derived', duplicate: 'same', unknownDelete: 'not-found', lags: true, knowsThere: true };
const { ONLY = '' } = process.env;
for (const [jobs, list] of Object.entries(JOBS))
  for (const [name, world] of Object.entries(WORLDS)) {
    if (!`${jobs}|${name}`.includes(ONLY)) continue;
    it(`${jobs}, ${name}`, { timeout: 60000 }, () => {
      const t = performance.now();
      const { states, counterexample } = explore(stateOf(world, list, { losses: 1, crashes: 1, moves: 1, renames: 0 }), rules);
      console.log(`${states} states ${(performance.now() - t).toFixed(0)} ms: ${jobs}, ${name}`);
      expect(counterexample).toBeUndefined();
    });
  }
