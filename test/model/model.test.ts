import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { play } from './play.ts';
import { type Scenario, scenario, tellScenario } from './scenario.ts';

const { MODEL_RUNS = '100', MODEL_SEED, MODEL_PATH } = process.env;
const numRuns = Number(MODEL_RUNS);
/** Bounds the search for a smaller counterexample. */
const limitMs = 60_000 + numRuns * 1_000;

it(
  'whatever the order, the faults and the redrives, the users end as if their jobs had run one by one by version',
  { timeout: limitMs + 60_000 },
  async () => {
    const outcome = await fc.check(fc.asyncProperty(scenario, isAsTheModelSays), {
      numRuns,
      interruptAfterTimeLimit: limitMs,
      ...(MODEL_SEED !== undefined && { seed: Number(MODEL_SEED) }),
      ...(MODEL_PATH !== undefined && { path: MODEL_PATH }),
    });
    if (outcome.failed) expect.fail(report(outcome));
  },
);

async function isAsTheModelSays(drawn: Scenario): Promise<void> {
  const violations = await play(drawn);
  if (violations.length > 0) throw new Error(violations.join('\n'));
}

function report({
  counterexample,
  counterexamplePath,
  seed,
  errorInstance,
}: fc.RunDetails<[Scenario]>): string {
  if (counterexample === null) return 'no scenario was played in time';
  const reason = errorInstance instanceof Error ? errorInstance.message : String(errorInstance);
  const again = `MODEL_SEED=${seed} MODEL_PATH=${counterexamplePath} npx vitest run test/model`;
  return `${tellScenario(counterexample[0])}\n\n${reason}\n\nAgain: ${again}`;
}
