/**
 * Prints, for each test that failed, the command that runs it alone.
 */
import { relative } from 'node:path';
import type { Reporter, TestModule } from 'vitest/node';

export class RerunReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const commands = modules.flatMap(commandsOf);
    if (commands.length === 0) return;
    process.stdout.write(`\nTo run what failed again:\n${commands.map((line) => `  ${line}\n`).join('')}`);
  }
}

/** A file that cannot be loaded has no failed test: it is run as a whole. */
function commandsOf(module: TestModule): string[] {
  const file = relative(process.cwd(), module.moduleId);
  const failed = [...module.children.allTests('failed')];
  if (failed.length === 0) return module.ok() ? [] : [`npm run test:all -- ${file}`];
  return failed.map(({ fullName, tags }) => rerunCommand(file, fullName, tags.includes('slow')));
}

/** @param fullName of groups and test, joined by ` > `: what `-t` is compared with, as a regular expression. */
export function rerunCommand(file: string, fullName: string, isSlow: boolean): string {
  const pattern = fullName.replaceAll(/[$()*+.?[\\\]^{|}]/g, String.raw`\$&`);
  const quoted = `'${pattern.replaceAll("'", String.raw`'\''`)}'`;
  return `${isSlow ? 'npm run test:all' : 'npm test'} -- ${file} -t ${quoted}`;
}
