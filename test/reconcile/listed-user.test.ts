import { describe, expect, test } from 'vitest';
import { COMPARED, comparable, differingFields } from '../../src/reconcile/listed-user.ts';

describe('two values are the same', () => {
  test.each([
    ['blanks are around one', 'nickname', ' Ada ', 'Ada'],
    ['a letter is written in two ways of Unicode', 'lastName', 'Am\u00e9lie', 'Ame\u0301lie'],
    ['emails differ in their case', 'email', 'Ada@Example.com', 'ada@example.COM'],
  ] as const)('though %s', (_what, field, one, other) => {
    expect(comparable(field, one)).toBe(comparable(field, other));
  });

  test('if one is empty and there is no other', () => {
    expect(comparable('phone', '')).toBe(comparable('phone', undefined));
  });
});

test.each(COMPARED.filter((field) => field !== 'email'))('a %s in another case is another value', (field) => {
  expect(comparable(field, 'Ada')).not.toBe(comparable(field, 'ada'));
});

describe('the fields that differ', () => {
  const user = { firstName: 'Ada', phone: '1', email: 'ada@example.com' };

  test('are those with another value, and those that are to have none', () => {
    const wanted = { firstName: 'Ada', lastName: 'Lovelace', phone: '', email: 'other@example.com' };
    expect(differingFields({ wanted }, user)).toEqual(['lastName', 'phone', 'email']);
  });

  test('are none of those of which the list says nothing', () => {
    expect(differingFields({ wanted: { firstName: 'Ada', nickname: undefined } }, user)).toEqual([]);
    expect(differingFields({ wanted: {} }, user)).toEqual([]);
  });
});
