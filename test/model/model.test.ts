import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { play } from './play.ts';
import { type Scenario, scenario, tellScenario } from './scenario.ts';

const { MODEL_RUNS = '100', MODEL_SEED, MODEL_PATH } = process.env;

/** Of a run or two more than a counterexample needs time to become small. */
const TIMEOUT_MS = 120_000 + Number(MODEL_RUNS) * 1_000;

async function check(numRuns: number): Promise<void> {
  const outcome = await fc.check(fc.asyncProperty(scenario, isAsTheModelSays), {
    numRuns,
    interruptAfterTimeLimit: TIMEOUT_MS / 2,
    ...(MODEL_SEED !== undefined && { seed: Number(MODEL_SEED) }),
    ...(MODEL_PATH !== undefined && { path: MODEL_PATH }),
  });
  if (outcome.failed) expect.fail(report(outcome));
}

const TITLE =
  'whatever the order, the faults and the redrives, the users end as if their jobs had run one by one by version';

it(`${TITLE} (15 histories)`, { timeout: TIMEOUT_MS }, () => check(15));

it(`${TITLE} (${MODEL_RUNS} histories)`, { tags: ['slow'], timeout: TIMEOUT_MS }, () =>
  check(Number(MODEL_RUNS)),
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
  const again = `MODEL_SEED=${seed} MODEL_PATH=${counterexamplePath} npm run test:all -- test/model`;
  return `${tellScenario(counterexample[0])}\n\n${reason}\n\nAgain: ${again}`;
}
