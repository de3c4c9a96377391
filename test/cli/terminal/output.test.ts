import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { PassThrough, Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { expect, it } from 'vitest';
import { run } from '../../../src/cli/execute.ts';
import { createContext } from '../../support/run-command.ts';

/** A standard output that fails at each write, at once or a moment later. */
function failingWith(code: string, isLate: boolean): Writable {
  return new Writable({
    write(_chunk, _encoding, done) {
      const fail = () => done(Object.assign(new Error('it failed'), { code }));
      if (isLate) setTimeout(fail, 20);
      else fail();
    },
  });
}

async function runWith(stdout: Writable, args: string[]) {
  const stderr = new PassThrough();
  const told = text(stderr);
  const status = await run(args, { ...createContext({}), stdout, stderr });
  stderr.end();
  return { status, stderr: await told };
}

it.each([
  ['schema', ['schema'], false],
  ['schema, a moment later', ['schema'], true],
  ['the help', ['--help'], false],
  ['receipts', ['receipts', 'verify', '--allow-unsigned', '/dev/null'], true],
  ['the address of a sandbox, which ends', ['sandbox', '--port', '0'], false],
])('a result that cannot be written is status 1, and told: %s', async (_what, args, isLate) => {
  expect(await runWith(failingWith('ENOSPC', isLate), args)).toEqual({
    status: 1,
    stderr: 'the result cannot be written (ENOSPC)\n',
  });
});

it('a reader who has gone is status 1 without a word', async () => {
  expect(await runWith(failingWith('EPIPE', false), ['schema'])).toEqual({ status: 1, stderr: '' });
});

it('bad usage stays status 2, and a standard error that fails ends nothing', async () => {
  const stderr = failingWith('ENOSPC', false);
  expect(await run(['bogus'], { ...createContext({}), stderr })).toBe(2);
  expect(await run(['schema'], { ...createContext({}), stdout: failingWith('EPIPE', false), stderr })).toBe(
    1,
  );
});

it('a full disk behind the standard output of a process is its status', async () => {
  const full = openSync('/dev/full', 'w');
  const child = spawn(process.execPath, ['src/main.ts', '--version'], { stdio: ['ignore', full, 'pipe'] });
  closeSync(full);
  if (child.stderr === null) throw new Error('its standard error is a pipe');
  const [told, [status]] = await Promise.all([text(child.stderr), once(child, 'close')]);
  expect({ status: status as unknown, told }).toEqual({
    status: 1,
    told: 'the result cannot be written (ENOSPC)\n',
  });
});
