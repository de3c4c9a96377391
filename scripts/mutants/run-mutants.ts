/**
 * Runs the nearest tests on each mutant, with several runners at once. First the tests must pass without a mutant: otherwise every
 * mutant would seem to be noticed.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Mutant, applyTo } from './mutant.ts';
import type { TaskResult } from './runner-main.ts';
import { Runner } from './runner.ts';

/** The longest time that one test file may take without a mutant. */
const UNMUTATED_MS = 600_000;

export interface MutantRun {
  root: string;
  mutants: readonly Mutant[];
  texts: ReadonlyMap<string, string>;
  ringsOf: (mutant: Mutant) => string[][];
  jobs: number;
  /** A mutant has timed out after five times the usual duration of its tests and this. Default 20 s. */
  graceMs?: number;
  onUnmutated?: (done: number, all: number) => void;
  onMutant?: (tested: TestedMutant, done: number) => void;
  signal?: AbortSignal;
}

export interface TestedMutant {
  mutant: Mutant;
  end: 'killed' | 'timed out' | 'survived';
  /** The test file that failed, and its message. */
  killer?: { test: string; message: string };
  durationMs: number;
}

/** @throws if a test fails without a mutant, or the signal aborts. */
export async function runMutants(run: MutantRun): Promise<TestedMutant[]> {
  const home = claim(run.root);
  const runners = Array.from(
    { length: run.jobs },
    (_, at) => new Runner(run.root, join(home, String(at + 1))),
  );
  const killAll = () => runners.forEach((runner) => runner.kill());
  run.signal?.addEventListener('abort', killAll);
  try {
    const usual = await testUnmutated(run, runners);
    const tested = await testMutants(run, runners, usual);
    await Promise.all(runners.map(async (runner) => runner.stop()));
    return tested;
  } finally {
    killAll();
    run.signal?.removeEventListener('abort', killAll);
    rmSync(home, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Makes the directory of the copies. Removes what a killed run has left there. */
function claim(root: string): string {
  const home = join(root, '.data', 'mutants');
  const owner = join(home, 'pid');
  try {
    process.kill(Number(readFileSync(owner, 'utf8')), 0);
  } catch {
    rmSync(home, { recursive: true, force: true });
    mkdirSync(home, { recursive: true });
    writeFileSync(owner, String(process.pid));
    return home;
  }
  throw new Error(`another run is under way in ${home}`);
}

/** How the test files behave without a mutant. */
interface Usual {
  /** In milliseconds. */
  durations: Map<string, number>;
  /** The test files that fail in a process that they have used before: they get a new one each time. */
  fresh: string[];
}

async function testUnmutated(run: MutantRun, runners: readonly Runner[]): Promise<Usual> {
  const tests = [...new Set(run.mutants.flatMap((mutant) => run.ringsOf(mutant).flat()))];
  const durations = new Map<string, number>();
  const fresh: string[] = [];
  await shareOut(tests, runners, run.signal, async (test, runner) => {
    const { failure, kept, durationMs } = await answered(run, runner, test);
    if (failure !== undefined) throw new Error(`${test} fails without a mutant: ${failure.message}`);
    const again = kept.includes(test) ? await answered(run, runner, test) : undefined;
    if (again?.failure !== undefined) fresh.push(test);
    durations.set(test, again?.durationMs ?? durationMs);
    run.onUnmutated?.(durations.size, tests.length);
  });
  return { durations, fresh };
}

async function answered(
  run: MutantRun,
  runner: Runner,
  test: string,
): Promise<TaskResult & { durationMs: number }> {
  const startedAt = performance.now();
  const result = await runner.run({ tests: [test] }, UNMUTATED_MS);
  run.signal?.throwIfAborted();
  if (result === undefined) throw new Error(`${test} does not end without a mutant`);
  return { ...result, durationMs: performance.now() - startedAt };
}

async function testMutants(
  run: MutantRun,
  runners: readonly Runner[],
  usual: Usual,
): Promise<TestedMutant[]> {
  const { graceMs = 20_000 } = run;
  const tested = new Map<Mutant, TestedMutant & { runner: Runner }>();
  // The same test often notices the next mutant too: it runs first within its ring.
  const lastKillers = new Map<string, string>();
  for (let due = run.mutants; due.length > 0; due = await distrusted()) {
    await shareOut(due, runners, run.signal, async (mutant, runner) => {
      const startedAt = performance.now();
      const ended = await endOf(mutant, runner);
      run.signal?.throwIfAborted();
      if (ended.killer !== undefined) lastKillers.set(mutant.file, ended.killer.test);
      const result = { mutant, ...ended, durationMs: performance.now() - startedAt };
      tested.set(mutant, { ...result, runner });
      run.onMutant?.(result, tested.size);
    });
  }
  return run.mutants.flatMap((mutant) => tested.get(mutant) ?? []);

  async function endOf(mutant: Mutant, runner: Runner): Promise<Pick<TestedMutant, 'end' | 'killer'>> {
    const edit = { file: mutant.file, text: applyTo(run.texts.get(mutant.file) ?? '', mutant) };
    const usualMs = (test: string) => usual.durations.get(test) ?? 0;
    const orderOf = (test: string) => (test === lastKillers.get(mutant.file) ? -1 : usualMs(test));
    for (const ring of run.ringsOf(mutant)) {
      if (ring.length === 0) continue;
      const tests = ring.toSorted((a, b) => orderOf(a) - orderOf(b));
      const limitMs = 5 * ring.reduce((sum, test) => sum + usualMs(test), 0) + graceMs;
      const result = await runner.run({ tests, edit, fresh: usual.fresh }, Math.ceil(limitMs));
      if (result === undefined) return { end: 'timed out' };
      if (result.failure !== undefined) return { end: 'killed', killer: result.failure };
    }
    return { end: 'survived' };
  }

  /**
   * A mutant may change a kept process in a way that `warm-fork.ts` does not see. A test file that fails in its kept process without a
   * mutant gets a new process from now on. The mutants that it has killed in this runner are tested again.
   */
  async function distrusted(): Promise<Mutant[]> {
    const found: Mutant[] = [];
    for (const runner of runners) {
      for (const test of runner.kept) {
        if ((await answered(run, runner, test)).failure === undefined) continue;
        usual.fresh.push(test);
        const kills = [...tested.values()].filter(
          (one) => one.runner === runner && one.killer?.test === test,
        );
        found.push(...kills.map(({ mutant }) => mutant));
      }
    }
    return found;
  }
}

/** Each runner takes the next piece of work when it is free. */
async function shareOut<Work extends object | string>(
  all: readonly Work[],
  runners: readonly Runner[],
  signal: AbortSignal | undefined,
  carryOut: (work: Work, runner: Runner) => Promise<void>,
): Promise<void> {
  const queue = [...all];
  await Promise.all(
    runners.map(async (runner) => {
      try {
        for (let work = queue.shift(); work !== undefined; work = queue.shift()) {
          signal?.throwIfAborted();
          await carryOut(work, runner);
        }
      } catch (error) {
        queue.length = 0; // the other runners have no reason to go on
        throw error;
      }
    }),
  );
}
