/**
 * The process of one runner. Its Vitest stays alive from mutant to mutant and works on the copy of the tree that is its working
 * directory. It reports whether the given tests notice the given mutant.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { relative, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { ViteUserConfig } from 'vitest/config';
import { type TestModule, type TestSpecification, createVitest } from 'vitest/node';
import { killAll, processesIn } from './processes.ts';
import { discard, keptTests, slowestMs, warmPool } from './warm-pool.ts';

export interface Task {
  tests: readonly string[];
  /** Without it the tests run on the tree as it is. */
  edit?: { file: string; text: string };
  /** Tests that get a new process each time. */
  fresh?: readonly string[];
  /** The duration of the slowest test of each file without a mutant, which decides its time-outs. */
  slowestMs?: ReadonlyMap<string, number>;
}

export interface TaskResult {
  /** The first test file that failed, and its message. Absent if all passed. */
  failure?: { test: string; message: string };
  /** The test files that left their process as it was. It is kept for their next run, unless they are `fresh`. */
  kept: string[];
  /** The duration of the slowest test, or of the hooks of a file. */
  slowestMs: number;
}

/** Runs the tests in the given order. */
class GivenOrder {
  async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return files;
  }
  async shard(files: TestSpecification[]): Promise<TestSpecification[]> {
    return files;
  }
}

const root = process.cwd();
const configPath = pathToFileURL(resolve(root, 'vitest.config.ts')).href;
const { default: config } = (await import(configPath)) as { default: ViteUserConfig };
const vitest = await createVitest('test', {
  ...config.test,
  config: false, // Vitest loses a pool that is an object when it merges it with a file
  root,
  watch: false,
  bail: 1,
  maxWorkers: 1,
  pool: warmPool,
  fsModuleCache: false, // a kept process would find the previous mutant there
  reporters: [{}],
  tagsFilter: ['!slow'],
  setupFiles: [fileURLToPath(new URL('same-seed.ts', import.meta.url))],
  sequence: { sequencer: GivenOrder },
  teardownTimeout: 5000,
});
// Runs globalSetup before a mutant can break it.
await vitest.runTestSpecifications([]);

process.on('disconnect', () => {
  const others = processesIn(root).filter(({ pid }) => pid !== process.pid);
  killAll([...others.map(({ pid }) => pid), process.pid]);
});
process.on('message', (task: Task | 'stop') => {
  if (task === 'stop') void vitest.close().finally(() => process.exit());
  else void carryOut(task).then((result) => process.send?.(result));
});
process.send?.('ready');

async function carryOut({ tests, edit, fresh = [], slowestMs: usual }: Task): Promise<TaskResult> {
  usual?.forEach((ms, test) => slowestMs.set(resolve(root, test), ms));
  const path = resolve(root, edit?.file ?? '');
  const original = edit && (await readFile(path, 'utf8'));
  const replace = async (text: string) => {
    await writeFile(path, text);
    vitest.invalidateFile(path);
  };
  const renew = () => fresh.forEach((test) => discard(resolve(root, test)));
  try {
    if (edit !== undefined) await replace(edit.text);
    renew();
    const result = await run(tests.map((test) => resolve(root, test)));
    const kept = keptTests().map((test) => relative(root, test));
    renew();
    return { ...result, kept };
  } finally {
    if (original !== undefined) await replace(original);
  }
}

async function run(files: string[]): Promise<Omit<TaskResult, 'kept'>> {
  const project = vitest.getRootProject();
  vitest.state.clearFiles(project, files);
  const specifications = files.map((file) => project.createSpecification(file));
  const { testModules, unhandledErrors } = await vitest.runTestSpecifications(specifications);
  // Every process in here that is not a child of this one was left behind by a test.
  const strangers = processesIn(root).filter(
    ({ pid, parent }) => pid !== process.pid && parent !== process.pid,
  );
  killAll(strangers.map(({ pid }) => pid));
  const ran = testModules.filter(({ moduleId }) => files.includes(moduleId));
  const slowest = Math.max(0, ...ran.map(slowestIn));
  const failed = ran.find((module) => module.state() === 'failed');
  if (failed !== undefined) {
    return { slowestMs: slowest, failure: { test: failed.relativeModuleId, message: whyFailed(failed) } };
  }
  const [error] = unhandledErrors;
  if (error === undefined) return { slowestMs: slowest };
  const test = relative(root, files[0] ?? '');
  return { slowestMs: slowest, failure: { test, message: messageOf(error) } };
}

function slowestIn(module: TestModule): number {
  const tests = [...module.children.allTests()].map((test) => test.diagnostic()?.duration ?? 0);
  const hooks = module.diagnostic().duration - tests.reduce((sum, ms) => sum + ms, 0);
  return Math.max(hooks, ...tests);
}

function whyFailed(module: TestModule): string {
  const [test] = module.children.allTests('failed');
  const [error] = (test === undefined ? module.errors() : test.result().errors) ?? [];
  return `${test?.fullName ?? 'the file'}: ${messageOf(error)}`;
}

function messageOf(error: unknown): string {
  return String((error as Error | undefined)?.message).split('\n')[0] ?? '';
}
