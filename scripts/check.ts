/**
 * `npm run check`: runs all checks at once, and prints what each has to say when it is over.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';

const CHECKS = ['check:format', 'check:types', 'check:lint', 'check:unused'];

const results = await Promise.all(CHECKS.map(run));
process.exitCode = results.every(Boolean) ? 0 : 1;

async function run(check: string): Promise<boolean> {
  const startedAt = performance.now();
  const child = spawn(`npm run --silent ${check} 2>&1`, {
    shell: true,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [output, [status]] = await Promise.all([text(child.stdout), once(child, 'close')]);
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  console.log(`${status === 0 ? 'ok    ' : 'FAILED'}  ${check}  ${seconds} s`);
  if (status !== 0) console.log(output);
  return status === 0;
}
