/**
 * Runs test files without a mutant, each before its first mutant: all must pass, otherwise every mutant would seem to be noticed.
 * Also finds out how long they take and what they need.
 */
import type { Task, TaskResult } from './runner-main.ts';
import type { Runner } from './runner.ts';

/** The longest time that one test file may take. */
const MOST_MS = 600_000;

export class Unmutated {
  /** The test files that fail in a process that they have used before: they get a new one each time. */
  readonly fresh: string[] = [];
  /** The duration of the slowest test of each file, in milliseconds. */
  readonly slowestMs = new Map<string, number>();
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

  async passes(test: string, runner: Runner): Promise<boolean> {
    return (await this.#run({ tests: [test] }, runner)).failure === undefined;
  }

  async #measure(test: string, runner: Runner): Promise<void> {
    const first = await this.#run({ tests: [test], fresh: [test] }, runner);
    this.slowestMs.set(test, first.slowestMs);
    this.#durations.set(test, first.durationMs);
    if (first.failure !== undefined)
      throw new Error(`${test} fails without a mutant: ${first.failure.message}`);
    if (!first.kept.includes(test)) return;
    await this.#run({ tests: [test] }, runner);
    const again = await this.#run({ tests: [test] }, runner);
    this.#durations.set(test, again.durationMs);
    if (again.failure !== undefined) this.fresh.push(test);
  }

  async #run(task: Task, runner: Runner): Promise<TaskResult & { durationMs: number }> {
    const startedAt = performance.now();
    const result = await runner.run({ slowestMs: this.slowestMs, ...task }, MOST_MS);
    if (result === undefined) throw new Error(`${task.tests.join()} does not end without a mutant`);
    return { ...result, durationMs: performance.now() - startedAt };
  }
}
