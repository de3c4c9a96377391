/**
 * Runs test files without a mutant, each before its first mutant: all must pass, otherwise every mutant would seem to be noticed.
 * Also finds out how long they take.
 */
import type { Runner } from './runner.ts';

/** The longest time that one test file may take. */
const MOST_MS = 600_000;

export class Unmutated {
  readonly #durations = new Map<string, number>();
  readonly #measured = new Map<string, Promise<void>>();
  readonly #onTest: (test: string) => void;

  constructor(onTest: (test: string) => void = () => {}) {
    this.#onTest = onTest;
  }

  /** In milliseconds. */
  durationOf(test: string): number {
    return this.#durations.get(test) ?? 0;
  }

  /** Runs those that have not run yet. @throws if one fails. */
  async mustPass(tests: readonly string[], runner: Runner): Promise<void> {
    for (const test of tests) {
      if (this.#measured.has(test)) continue; // by another runner: this one takes the next
      this.#onTest(test);
      const measured = this.#measure(test, runner);
      this.#measured.set(test, measured);
      await measured;
    }
    await Promise.all(tests.map(async (test) => this.#measured.get(test)));
  }

  async #measure(test: string, runner: Runner): Promise<void> {
    const startedAt = performance.now();
    const result = await runner.run({ tests: [test] }, MOST_MS);
    if (result === undefined) throw new Error(`${test} does not end without a mutant`);
    this.#durations.set(test, performance.now() - startedAt);
    if (result.failure !== undefined)
      throw new Error(`${test} fails without a mutant: ${result.failure.message}`);
  }
}
