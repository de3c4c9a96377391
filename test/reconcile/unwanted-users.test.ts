import { expect, test } from 'vitest';
import { deriveUserId } from '../../src/operations/derive-user-id.ts';
import { type UnwantedOptions, createUnwantedUsers } from '../../src/reconcile/unwanted-users.ts';

const instance = { id: '11111111-1111-4111-8111-111111111111', secret: 'a-secret' };
const unwantedBy = (options: Omit<UnwantedOptions, 'instance'>) =>
  createUnwantedUsers({ ...options, instance });

test('an orphan is named by both ids, so that nobody else is hit, and a further one of its clientId by its own', () => {
  const unwanted = unwantedBy({ orphansBefore: Date.parse('2026-01-02T00:00:00Z') });
  const createdAt = '2026-01-01T00:00:00.000Z';
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

test('an orphan of whom it is not known that it is old enough is left', () => {
  const unwanted = unwantedBy({ orphansBefore: Date.parse('2026-01-02T00:00:00Z') });
  unwanted.take({ kind: 'orphaned', userId: 'u-1', createdAt: '2026-01-02T00:00:00.000Z' });
  unwanted.take({ kind: 'orphaned', userId: 'u-2' });
  expect(unwanted.users).toEqual([]);
  expect(unwanted.left).toEqual({ orphaned: 0, lookalikes: 0, young: 2, duplicated: 0 });
});

test.each([
  [false, ['u-2'], { orphaned: 0, lookalikes: 1, young: 1, duplicated: 0 }],
  [true, ['u-1', 'u-2'], { orphaned: 0, lookalikes: 0, young: 1, duplicated: 0 }],
])(
  'an orphan that looks like a row of the list goes only if that is asked for: %s',
  (lookalikes, gone, left) => {
    const unwanted = unwantedBy({ orphansBefore: Date.parse('2026-01-02T00:00:00Z'), lookalikes });
    const createdAt = '2026-01-01T00:00:00.000Z';
    unwanted.take({ kind: 'orphaned', userId: 'u-1', createdAt, looksLikeLine: 7 });
    unwanted.take({ kind: 'orphaned', userId: 'u-2', createdAt });
    unwanted.take({ kind: 'orphaned', userId: 'u-3', createdAt: '2026-01-03T00:00:00.000Z' });
    expect(unwanted.users.map(({ userId }) => userId)).toEqual(gone);
    expect(unwanted.left).toEqual(left);
  },
);

test('the newest of the users that are ours stays, whatever generation it is', () => {
  const ours = [0, 3].map((generation) => deriveUserId(instance, { clientId: 'c' }, generation));
  const unwanted = unwantedBy({ duplicatesBut: 'ours' });
  unwanted.take({ kind: 'duplicated', line: 2, clientId: 'c', userIds: ['x', ...ours, 'y'] });
  unwanted.take({ kind: 'duplicated', line: 3, clientId: 'd', userIds: ['x', ...ours] });
  expect(unwanted.users).toEqual([{ userId: 'x' }, { userId: ours[0] }, { userId: 'y' }]);
  expect(unwanted.left).toEqual({ orphaned: 0, lookalikes: 0, young: 0, duplicated: 1 });
});

test.each([
  ['oldest', ['y', 'z']],
  ['newest', ['x', 'y']],
] as const)('the %s of several users stays, and the others go', (duplicatesBut, gone) => {
  const unwanted = unwantedBy({ duplicatesBut });
  unwanted.take({ kind: 'duplicated', line: 2, clientId: 'c', userIds: ['x', 'y', 'z'] });
  expect(unwanted.users).toEqual(gone.map((userId) => ({ userId })));
});

test('nobody is unwanted where nothing was asked for, and whoever is missing or differs never is', () => {
  const unwanted = unwantedBy({});
  unwanted.take({ kind: 'orphaned', userId: 'u', createdAt: '2020-01-01T00:00:00.000Z' });
  unwanted.take({ kind: 'duplicated', line: 2, clientId: 'c', userIds: ['x', 'y'] });
  unwanted.take({ kind: 'missing', line: 3, clientId: 'd' });
  unwanted.take({ kind: 'differing', line: 4, clientId: 'e', userId: 'z', fields: ['phone'] });
  expect(unwanted.users).toEqual([]);
  expect(unwanted.left).toEqual({ orphaned: 1, lookalikes: 0, young: 0, duplicated: 1 });
});
