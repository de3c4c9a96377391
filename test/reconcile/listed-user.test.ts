import { describe, expect, test } from 'vitest';
import {
  COMPARED,
  comparable,
  differingFields,
  unknownFields,
  valuesOf,
} from '../../src/reconcile/listed-user.ts';

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

  test('may be settings and the status, and those that are not shown are unknown instead', () => {
    const wanted = { phone: '1', enabled: true, tracking: false, logging: true, status: 'active' } as const;
    const shown = {
      userId: 'u-1',
      settings: { enabled: false, tracking: false },
      status: 'deactivated',
    } as const;
    const values = valuesOf({ ...shown, clientId: 'c' });
    expect(differingFields({ wanted }, values)).toEqual(['phone', 'enabled', 'status']);
    expect(unknownFields({ wanted }, values)).toEqual(['logging']);
    expect(unknownFields({ wanted }, {})).toEqual(['enabled', 'tracking', 'logging', 'status']);
    expect(unknownFields({ wanted: { phone: '1' } }, {})).toEqual([]);
  });

  test('are none of those of which the list says nothing', () => {
    expect(differingFields({ wanted: { firstName: 'Ada', nickname: undefined } }, user)).toEqual([]);
    expect(differingFields({ wanted: {} }, user)).toEqual([]);
  });
});
