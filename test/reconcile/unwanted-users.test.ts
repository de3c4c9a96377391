import { expect, test } from 'vitest';
import { createUnwantedUsers } from '../../src/reconcile/unwanted-users.ts';

const BEFORE = Date.parse('2026-01-02T00:00:00Z');
const createdAt = '2026-01-01T00:00:00.000Z';

test('an orphan is named by both ids, so that nobody else is hit, and a further one of its clientId by its own', () => {
  const unwanted = createUnwantedUsers(BEFORE);
  unwanted.take({ kind: 'orphaned', userId: 'u-1', clientId: 'c', createdAt });
  unwanted.take({ kind: 'orphaned', userId: 'u-2', clientId: 'c', createdAt });
  unwanted.take({ kind: 'orphaned', userId: 'u-3', createdAt });
  unwanted.take({ kind: 'orphaned', userId: 'u-4', clientId: 'no job may name it ', createdAt });
  expect(unwanted.users).toEqual([
    { userId: 'u-1', clientId: 'c' },
    { userId: 'u-2' },
    { userId: 'u-3' },
    { userId: 'u-4' },
  ]);
});

test('an orphan of whom it is not known that it is old enough, or that looks like a row of the list, is left', () => {
  const unwanted = createUnwantedUsers(BEFORE);
  unwanted.take({ kind: 'orphaned', userId: 'u-1', createdAt: '2026-01-02T00:00:00.000Z' });
  unwanted.take({ kind: 'orphaned', userId: 'u-2' });
  unwanted.take({ kind: 'orphaned', userId: 'u-3', createdAt, looksLikeLine: 7 });
  expect(unwanted.users).toEqual([]);
  expect(unwanted.left).toEqual({ orphaned: 0, lookalikes: 1, young: 2, duplicated: 0 });
});

test('nobody is unwanted where nothing was asked for, and whoever is missing, differs or is there twice never is', () => {
  for (const [before, orphaned] of [
    [undefined, 1],
    [BEFORE, 0],
  ] as const) {
    const unwanted = createUnwantedUsers(before);
    unwanted.take({ kind: 'orphaned', userId: 'u', createdAt: '2026-02-01T00:00:00.000Z' });
    unwanted.take({ kind: 'duplicated', line: 2, clientId: 'c', userIds: ['x', 'y'] });
    unwanted.take({ kind: 'missing', line: 3, clientId: 'd' });
    unwanted.take({ kind: 'differing', line: 4, clientId: 'e', userId: 'z', fields: ['phone'] });
    expect(unwanted.users).toEqual([]);
    expect(unwanted.left).toEqual({ orphaned, lookalikes: 0, young: 1 - orphaned, duplicated: 1 });
  }
});
