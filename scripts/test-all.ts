/**
 * `npm run test:all`: all tests, the slow ones too, and then the mutants of what the last commit and the working tree changed.
 * With arguments only the tests that they name.
 */
import { spawnSync } from 'node:child_process';

/** So many mutants are drawn at most: all of a large change would take longer than the tests. */
const MOST_MUTANTS = '60';

const args = process.argv.slice(2);
const hasParent = spawnSync('git', ['rev-parse', '--quiet', '--verify', 'HEAD~1']).status === 0;
const isTested = run('vitest', ['run', ...args]);
const isNoticed =
  args.length > 0 ||
  !hasParent ||
  run('node', ['scripts/mutants.ts', '--changed', '--near', '--most', MOST_MUTANTS]);
process.exitCode = isTested && isNoticed ? 0 : 1;

function run(command: string, words: string[]): boolean {
  return spawnSync(command, words, { stdio: 'inherit' }).status === 0;
}
