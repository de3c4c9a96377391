/**
 * `npm run test:compat`: runs the tests that touch BullMQ on the oldest and on the newest version that package.json allows, each in a copy
 * of the tree. With arguments only the tests that they name; what begins with a dash goes to vitest.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { copyTree } from './mutants/tree-copy.ts';

/** Integration with its crashes, and the library. */
const TESTS = ['test/integration', 'test/bullmq', 'test/client', 'test/package.test.ts'];
const DIRECTORY = '.data/compat';

const args = process.argv.slice(2);
const options = args.filter((arg) => arg.startsWith('-'));
const named = args.filter((arg) => !arg.startsWith('-'));
const results = versions().map((version) => ({ version, isPassed: passes(version) }));
for (const { version, isPassed } of results)
  console.log(`${isPassed ? 'ok    ' : 'FAILED'}  bullmq ${version}`);
process.exitCode = results.every(({ isPassed }) => isPassed) ? 0 : 1;

/** The registry answers with one version as text, with several as a list in any order. */
function versions(): string[] {
  const { dependencies } = z
    .object({ dependencies: z.object({ bullmq: z.string() }) })
    .parse(JSON.parse(readFileSync('package.json', 'utf8')));
  const answer: unknown = JSON.parse(
    execFileSync('npm', ['view', `bullmq@${dependencies.bullmq}`, 'version', '--json'], { encoding: 'utf8' }),
  );
  const all = z.union([z.string().transform((version) => [version]), z.array(z.string())]).parse(answer);
  const [oldest = '', ...others] = all.toSorted(byVersion);
  return [oldest, ...others.slice(-1)];
}

function byVersion(a: string, b: string): number {
  const [ofA, ofB] = [a, b].map((version) => version.split('.').map(Number));
  return (
    (ofA ?? []).map((part, index) => part - (ofB?.[index] ?? 0)).find((difference) => difference !== 0) ?? 0
  );
}

function passes(version: string): boolean {
  const copy = join(DIRECTORY, version);
  rmSync(copy, { recursive: true, force: true });
  copyTree('.', copy);
  cpSync('node_modules', join(copy, 'node_modules'), { recursive: true, verbatimSymlinks: true });
  const run = (command: string, words: string[]) =>
    spawnSync(command, words, { cwd: copy, stdio: 'inherit' }).status === 0;
  console.log(`\n=== bullmq ${version}`);
  const isInstalled = run('npm', [
    'install',
    '--no-save',
    '--no-audit',
    '--no-fund',
    '--ignore-scripts',
    `bullmq@${version}`,
  ]);
  const tests = named.length > 0 ? named : TESTS;
  const isPassed = isInstalled && run('npx', ['vitest', 'run', '--tagsFilter=!slow', ...options, ...tests]);
  rmSync(copy, { recursive: true, force: true });
  return isPassed;
}
