import { describe, expect, it } from 'vitest';
import { parseColumnMap, parseDelimiter, parseEmptyValues } from '../../../src/cli/options/column-map.ts';

describe('--map', () => {
  it.each([
    [
      'Customer No=clientId, mail =email,notes=',
      [
        ['customer no', 'clientId'],
        ['mail', 'email'],
        ['notes', undefined],
      ],
    ],
    ['*=', [['*', undefined]]],
    [
      '"Name, first"=firstName,"a=b"=CLIENTID',
      [
        ['name, first', 'firstName'],
        ['a=b', 'clientId'],
      ],
    ],
    [
      '"say ""hello"""=,""=',
      [
        ['say "hello"', undefined],
        ['', undefined],
      ],
    ],
    [' "x" =email', [['x', 'email']]],
    ['5" pipe=', [['5" pipe', undefined]]],
    ['a\nb=email', [['a\nb', 'email']]],
    ['attributes.phone=phone', [['attributes.phone', 'phone']]],
  ])('%s is read', (text, entries) => {
    expect([...parseColumnMap(text)]).toEqual(entries);
  });

  it('may be given several times, and the last one counts', () => {
    const first = parseColumnMap('a=email,b=phone');
    expect([...parseColumnMap('a=,c=nickname', first)]).toEqual([
      ['a', undefined],
      ['b', 'phone'],
      ['c', 'nickname'],
    ]);
    expect(first.get('a')).toBe('email');
    expect([...parseColumnMap('c=email,a=', first)]).toHaveLength(3);
    expect(() => parseColumnMap('c=email', first)).toThrow('has several columns as email');
  });

  it.each([
    ['', 'must be name=field'],
    ['a', 'must be name=field'],
    ['=email', 'must be name=field'],
    ['a=email,', 'must be name=field'],
    ['a=email,,b=phone', 'must be name=field'],
    ['a=b=email', 'must be name=field'],
    ['"a=email', 'must be name=field'],
    ['"a"b=email', 'must be name=field'],
    ['a=mail', 'knows the fields clientId'],
    ['*=email', 'which can only be left out: *='],
    ['email=phone,email=nickname', 'has the column "email" twice'],
    ['mail=,Mail =', 'has the column "Mail " twice'],
    ['a=email,b=EMAIL', 'has several columns as email: keep one of "a", "b"'],
  ])('%j is refused', (text, message) => {
    expect(() => parseColumnMap(text)).toThrow(message);
  });
});

describe('--empty', () => {
  it.each([
    ['NULL,N/A', ['NULL', 'N/A']],
    [' - , a=b', ['-', 'a=b']],
    ['"none, yet",\\N', ['none, yet', '\\N']],
  ])('%s is read', (text, values) => {
    expect([...parseEmptyValues(text)]).toEqual(values);
    expect([...parseEmptyValues(text, new Set(['x']))]).toEqual(['x', ...values]);
  });

  it.each(['', ',', 'NULL,', '"NULL'])('%j is refused', (text) => {
    expect(() => parseEmptyValues(text)).toThrow("must be values, separated by commas: 'NULL,N/A'");
  });
});

describe('--delimiter', () => {
  it('is a character, or tab by its name', () => {
    expect(['|', 'tab', '\\t'].map(parseDelimiter)).toEqual(['|', '\t', '\t']);
  });
});
