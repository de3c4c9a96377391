import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { confirm, isTerminal } from '../../src/cli/confirm.ts';

const terminal = (isTTY = true) => ({
  input: Object.assign(new PassThrough(), { isTTY }),
  output: Object.assign(new PassThrough(), { isTTY }),
});

describe('a question', () => {
  it.each([
    ['y\n', true],
    ['YES\n', true],
    [' yes \r\n', true],
    ['n\n', false],
    ['\n', false],
    ['yesterday\n', false],
    ['', false],
  ])('that is answered by %j is confirmed: %s', async (answer, isConfirmed) => {
    const asked = terminal();
    asked.input.end(answer);
    expect(await confirm('Retry 1,234 jobs?', asked)).toBe(isConfirmed);
    asked.output.end();
    expect(await text(asked.output)).toContain('Retry 1,234 jobs? [y/N] ');
  });

  it('that is answered by Ctrl-C is not confirmed', async () => {
    const asked = terminal();
    asked.input.write('\u0003');
    expect(await confirm('Retry?', asked)).toBe(false);
  });

  it('can be put only where both ends are a terminal', () => {
    expect(isTerminal(terminal())).toBe(true);
    expect(isTerminal({ ...terminal(), input: terminal(false).input })).toBe(false);
    expect(isTerminal({ ...terminal(), output: terminal(false).output })).toBe(false);
  });
});
