import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { confirm, requireYes } from '../../../src/cli/terminal/confirm.ts';

const terminal = (isTTY = true) => ({
  stdin: Object.assign(new PassThrough(), { isTTY }),
  stderr: Object.assign(new PassThrough(), { isTTY }),
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
    asked.stdin.end(answer);
    expect(await confirm('Retry 1,234 jobs?', asked)).toBe(isConfirmed);
    asked.stderr.end();
    expect(await text(asked.stderr)).toContain('Retry 1,234 jobs? [y/N] ');
  });

  it('that is answered by Ctrl-C is not confirmed', async () => {
    const asked = terminal();
    asked.stdin.write('\u0003');
    expect(await confirm('Retry?', asked)).toBe(false);
  });

  it('can be put only where both ends are a terminal', async () => {
    const where = [
      { ...terminal(), stdin: terminal(false).stdin },
      { ...terminal(), stderr: terminal(false).stderr },
    ];
    for (const one of where) {
      await expect(requireYes('Retry?', 'nothing was retried', one)).rejects.toMatchObject({
        name: 'UsageError',
        message: 'nothing was retried: confirm with --yes, because there is no terminal to ask',
      });
    }
  });

  it('that is answered by no is an error that says what was not done', async () => {
    const [yes, no] = [terminal(), terminal()];
    yes.stdin.end('y\n');
    no.stdin.end('n\n');
    await requireYes('Retry?', 'nothing was retried', yes);
    await expect(requireYes('Retry?', 'nothing was retried', no)).rejects.toThrow(/^nothing was retried$/);
  });
});
