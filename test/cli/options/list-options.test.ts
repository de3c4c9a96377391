import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { withListOptions, parseColumnMap } from '../../../src/cli/options/list-options.ts';
import type { ColumnMap } from '../../../src/rows/columns.ts';

function optionsOf(...args: string[]): Record<string, unknown> {
  const command = withListOptions(new Command())
    .exitOverride()
    .configureOutput({ writeErr: () => {} })
    .allowExcessArguments();
  return command.parse(['list.csv', ...args], { from: 'user' }).opts();
}

describe('--map', () => {
  it.each([
    ['Customer No=clientId', ['customerno', 'clientId']],
    [' mail =EMAIL', ['mail', 'email']],
    ['notes=', ['notes', undefined]],
    ['*=', ['*', undefined]],
    ['Name, first=first_name', ['name,first', 'firstName']],
    ['a=b=clientId', ['a=b', 'clientId']],
    ['=', ['', undefined]],
    ['attributes.phone=phone', ['attributes.phone', 'phone']],
  ])('%s is read', (text, entry) => {
    expect([...parseColumnMap(text)]).toEqual([entry]);
  });

  it('takes several, also when it is given several times, and the last one of a name counts', () => {
    const { map } = optionsOf('--map', 'a=email', 'b=phone', '--map', 'a=', 'c=email');
    expect([...(map as ColumnMap)]).toEqual([
      ['a', undefined],
      ['b', 'phone'],
      ['c', 'email'],
    ]);
  });

  it.each([
    ['', 'must be NAME=FIELD'],
    ['a', 'must be NAME=FIELD'],
    ['a=mail', 'The fields are clientId'],
    ['*=email', 'which can only be omitted: *='],
    ['b=EMAIL', 'maps several columns to email: keep one of "a", "b"'],
  ])('%j is refused', (text, message) => {
    expect(() => parseColumnMap(text, new Map([['a', 'email']]))).toThrow(message);
  });
});

describe('--empty and --delimiter', () => {
  it('are values, and a character or tab by its name', () => {
    expect(optionsOf('--empty', 'NULL', ' none, yet ', '--empty', '-')['empty']).toEqual(
      new Set(['NULL', 'none, yet', '-']),
    );
    const delimiters = ['|', 'tab', '\\t'].map((text) => optionsOf('--delimiter', text)['delimiter']);
    expect(delimiters).toEqual(['|', '\t', '\t']);
    expect(() => optionsOf('--delimiter', '""')).toThrow('must be one character');
  });
});
