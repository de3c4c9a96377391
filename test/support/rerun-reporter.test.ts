import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { rerunCommand } from './rerun-reporter.ts';

it('the command that runs a failed test again gives its very name to the shell', () => {
  const name = "a group > it's $5.00 (or [more]) \\ `x`";
  const command = rerunCommand('test/x.test.ts', name, false);
  expect(command).toMatch(/^npm test -- test\/x\.test\.ts -t '/);
  const words = command.slice(command.indexOf("'"));
  const { stdout } = spawnSync('sh', ['-c', `printf %s ${words}`], { encoding: 'utf8' });
  expect(new RegExp(`^${stdout}$`).test(name)).toBe(true);
  expect(rerunCommand('test/x.test.ts', name, true)).toMatch(/^npm run test:all -- /);
});
