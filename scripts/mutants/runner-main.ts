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

export interface Task {
  tests: readonly string[];
  /** Without it the tests run on the tree as it is. */
  edit?: { file: string; text: string };
}

export interface TaskResult {
  /** The first test file that failed, and its message. Absent if all passed. */
  failure?: { test: string; message: string };
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
  config: false,
  root,
  watch: false,
  bail: 1,
  maxWorkers: 1,
  fsModuleCache: false, // the previous mutant would be found there
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

async function carryOut({ tests, edit }: Task): Promise<TaskResult> {
  const path = resolve(root, edit?.file ?? '');
  const original = edit && (await readFile(path, 'utf8'));
  const replace = async (text: string) => {
    await writeFile(path, text);
    vitest.invalidateFile(path);
  };
  try {
    if (edit !== undefined) await replace(edit.text);
    return await run(tests.map((test) => resolve(root, test)));
  } finally {
    if (original !== undefined) await replace(original);
  }
}

async function run(files: string[]): Promise<TaskResult> {
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
  const failed = ran.find((module) => module.state() === 'failed');
  if (failed !== undefined) {
    return { failure: { test: failed.relativeModuleId, message: whyFailed(failed) } };
  }
  const [error] = unhandledErrors;
  if (error === undefined) return {};
  return { failure: { test: relative(root, files[0] ?? ''), message: messageOf(error) } };
}

function whyFailed(module: TestModule): string {
  const [test] = module.children.allTests('failed');
  const [error] = (test === undefined ? module.errors() : test.result().errors) ?? [];
  return `${test?.fullName ?? 'the file'}: ${messageOf(error)}`;
}

function messageOf(error: unknown): string {
  return String((error as Error | undefined)?.message).split('\n')[0] ?? '';
}
