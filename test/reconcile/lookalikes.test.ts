import { describe, expect, test } from 'vitest';
import { createLookalikes, normalizedId } from '../../src/reconcile/lookalikes.ts';

describe('two writings of one id are the same', () => {
  test.each([
    ['their case', 'Case@X.com', 'case@x.com'],
    ['a case that one letter has in two ways', 'ΟΔΟΣ', 'οδοσ'],
    ['a letter that upper case writes as two', 'straße', 'STRASSE'],
    ['zeros in front', '00123', '123'],
    ['the zero itself', '000', '0'],
    ['the fraction of a number', '4711.0', '4711'],
    ['blanks around them', ' c-1\u00a0', 'c-1'],
    ['blanks in them', 'c 1', 'c1'],
    ['characters that cannot be seen', '\ufeffc\u200b-1\u00ad', 'c-1'],
    ['characters that are not in use', 'c-1\ue000', 'c-1'],
    ['quotes around them', '"c-1"', 'c-1'],
    ['typographic quotes', '“c-1”', 'c-1'],
    ['an apostrophe in front, as a spreadsheet has it', "'0815", '815'],
    ['quotes, blanks and zeros together', '" 0815 "', '815'],
    ['wide digits', '１２３', '123'],
    ['a plus in front', '+447911123456', '447911123456'],
    ['zeros behind a decimal point', 'customer-1.50', 'customer-1.5'],
    ['an apostrophe', 'o’brien', "o'brien"],
    ['a hyphen', 'co‐op', 'co-op'],
    ['a capital with a dot', 'İstanbul', 'istanbul'],
    ['two ways to write an é', 'e\u0301', 'é'],
  ])('but for %s', (_, one, other) => {
    expect(normalizedId(one)).toBe(normalizedId(other));
  });
});

describe('ids of two users stay apart', () => {
  test.each([
    ['c-1', 'c-2'],
    ['c1', 'c-1'],
    ['10', '1'],
    ['1.5', '15'],
    ['a0', 'a'],
    ['é', 'e'],
    ["o'neil", 'oneil'],
    ['0', ''],
    ['+', ''],
    ['c-10', 'c-1'],
    ['v1.20a', 'v1.2a'],
    ['1.05', '1.5'],
  ])('%j and %j', (one, other) => {
    expect(normalizedId(one)).not.toBe(normalizedId(other));
  });
});

test('a very long id takes no more time than its length', () => {
  const quotes = '"'.repeat(1_000_000);
  expect(normalizedId(`${quotes}x`)).toBe('x');
  expect(normalizedId(`x${quotes}y`)).toHaveLength(1_000_002);
});

describe('a user who looks like a row', () => {
  test('is known by the first line that it looks like', () => {
    const lineLike = createLookalikes([
      { clientId: 'ada', line: 3 },
      { clientId: 'aDA', line: 4 },
      { clientId: 'nobody', line: 5 },
    ]);
    expect(['ADA', 'Ada ', 'bob'].map((clientId) => lineLike({ clientId }))).toEqual([3, 3, undefined]);
  });

  test('is known by its clientId or its userId, whichever the row has', () => {
    const lineLike = createLookalikes([
      { userId: 'u-1', clientId: 'renamed', line: 3 },
      { clientId: 'Bob', line: 4 },
    ]);
    const users = [{ userId: 'U-1', clientId: 'ada' }, { userId: 'U-2', clientId: 'bob' }, { userId: 'U-3' }];
    expect(users.map(lineLike)).toEqual([3, 4, undefined]);
  });
});
