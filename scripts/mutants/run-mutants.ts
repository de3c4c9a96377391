/**
 * Runs the nearest tests on each mutant, with several runners at once.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Mutant, applyTo } from './mutant.ts';
import { noneLeftIn } from './processes.ts';
import { Runner } from './runner.ts';
import { Unmutated } from './unmutated.ts';

export interface MutantRun {
  root: string;
  mutants: readonly Mutant[];
  texts: ReadonlyMap<string, string>;
  ringsOf: (mutant: Mutant) => string[][];
  jobs: number;
  /** A mutant has timed out after five times the usual duration of its tests and this. Default 20 s. */
  graceMs?: number;
  /** Called for each test file before it runs without a mutant. */
  onUnmutated?: (test: string) => void;
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
    const tested = await testMutants(run, runners);
    await Promise.all(runners.map(async (runner) => runner.stop()));
    return tested;
  } finally {
    killAll();
    run.signal?.removeEventListener('abort', killAll);
    await noneLeftIn(home);
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

async function testMutants(run: MutantRun, runners: readonly Runner[]): Promise<TestedMutant[]> {
  const { graceMs = 20_000 } = run;
  const unmutated = new Unmutated(run.onUnmutated);
  const tested = new Map<Mutant, TestedMutant>();
  const kills = new KillCounts();
  await shareOut(run.mutants, runners, run.signal, async (mutant, runner) => {
    const ended = { mutant, ...(await endOf(mutant, runner)) };
    run.signal?.throwIfAborted();
    if (ended.killer !== undefined) kills.add(mutant.file, ended.killer.test);
    tested.set(mutant, ended);
    run.onMutant?.(ended, tested.size);
  });
  return run.mutants.flatMap((mutant) => tested.get(mutant) ?? []);

  async function endOf(mutant: Mutant, runner: Runner): Promise<Omit<TestedMutant, 'mutant'>> {
    const edit = { file: mutant.file, text: applyTo(run.texts.get(mutant.file) ?? '', mutant) };
    let durationMs = 0;
    for (const ring of run.ringsOf(mutant)) {
      if (ring.length === 0) continue;
      await unmutated.mustPass(ring, runner);
      const costOf = (test: string) => unmutated.durationOf(test) / (1 + 9 * kills.of(mutant.file, test));
      const tests = ring.toSorted((a, b) => costOf(a) - costOf(b));
      const usualMs = ring.reduce((sum, test) => sum + unmutated.durationOf(test), 0);
      const startedAt = performance.now();
      const result = await runner.run({ tests, edit }, Math.ceil(5 * usualMs + graceMs));
      durationMs += performance.now() - startedAt;
      if (result === undefined) return { end: 'timed out', durationMs };
      if (result.failure !== undefined) return { end: 'killed', killer: result.failure, durationMs };
    }
    return { end: 'survived', durationMs };
  }
}

/** A test that has noticed mutants of a file often notices the next one too: it runs earlier. */
class KillCounts {
  readonly #counts = new Map<string, number>();

  of(file: string, test: string): number {
    return this.#counts.get(`${file} ${test}`) ?? 0;
  }

  add(file: string, test: string): void {
    this.#counts.set(`${file} ${test}`, this.of(file, test) + 1);
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
