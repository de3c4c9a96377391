import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { runCommand } from '../../support/run-command.ts';

const run = (...args: string[]) => runCommand(['schema', ...args], {});

describe('`schema`', () => {
  it('prints what is kept in docs/reference/schema, without any configuration', async () => {
    const kept = async (name: string) => [
      0,
      await readFile(`docs/reference/schema/${name}.json`, 'utf8'),
      '',
    ];
    const one = await run('user.created');
    expect([one.status, one.stdout, one.stderr]).toEqual(await kept('user.created'));
    const both = await run('--format', 'asyncapi');
    expect([both.status, both.stdout, both.stderr]).toEqual(await kept('asyncapi'));
  });

  it('with --json prints all of them on one line', async () => {
    const { status, stdout } = await run('--json');
    expect([status, stdout.trimEnd().split('\n').length]).toEqual([0, 1]);
    expect(JSON.parse(stdout)).toMatchObject({ definitions: { 'create-user': {}, 'user.failed': {} } });
  });

  it.each([
    ['a job that there is not', ['create'], 'no such job or event (known: create-user'],
    ['a name for the whole document', ['create-user', '--format', 'asyncapi'], 'omit the name'],
    ['a format that there is not', ['--format', 'yaml'], 'Allowed choices are json-schema, asyncapi'],
  ])('with %s exits with 2', async (_title, args, told) => {
    const { status, stderr } = await run(...args);
    expect({ status, stderr }).toMatchObject({ status: 2, stderr: expect.stringContaining(told) });
  });
});
