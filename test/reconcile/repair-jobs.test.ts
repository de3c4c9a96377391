import { expect, test } from 'vitest';
import type { ComparedField, ListedUser } from '../../src/reconcile/listed-user.ts';
import { creates, updates } from '../../src/reconcile/repair-jobs.ts';
import { type ListedState, UserList } from '../../src/reconcile/user-list.ts';

const list: ListedUser[] = [
  { line: 2, clientId: 'same', wanted: { phone: '1' } },
  { line: 3, clientId: 'missing', wanted: { firstName: 'Ada', phone: '', email: 'ada@example.com' } },
  { line: 4, clientId: 'differs', wanted: { firstName: 'Ada', phone: '', email: 'ada@example.com' } },
  { line: 5, clientId: 'twice', wanted: { phone: '1' } },
  {
    line: 6,
    clientId: 'missing-too',
    wanted: {},
    occurredAt: '2026-01-01T00:00:00+01:00',
    correlationId: 'r-1',
  },
  {
    line: 7,
    clientId: 'differs-too',
    wanted: { nickname: 'ada' },
    occurredAt: '2026-01-02T00:00:00Z',
    correlationId: 'r-2',
  },
  {
    line: 8,
    clientId: 'missing-suspended',
    wanted: { city: 'x', tracking: true, logging: false, status: 'deactivated' },
  },
  {
    line: 9,
    clientId: 'differs-in-settings',
    wanted: { city: 'x', tracking: true, logging: false, status: 'active' },
  },
];

const FOUND: [ListedState, ComparedField[]][] = [
  ['same', []],
  ['missing', []],
  ['differing', ['phone', 'email']],
  ['duplicated', []],
  ['missing', []],
  ['differing', ['nickname']],
  ['missing', ['status']],
  ['differing', ['city', 'tracking', 'logging', 'status']],
];

/** As it is after the comparison. */
function optionsAfterComparison() {
  const users = new UserList();
  for (const user of list) users.add(user);
  for (const [at, entry] of users.all().entries()) {
    const [state, toUpdate] = FOUND[at] ?? ['unseen', []];
    Object.assign(entry, { state, toUpdate });
  }
  return { list: users, instance: 'eu', listedAt: Date.UTC(2026, 0, 3) };
}

test('each user who is missing is created, with the fields that are to have a value', () => {
  expect([...creates(optionsAfterComparison())]).toStrictEqual([
    {
      clientId: 'missing',
      instance: 'eu',
      occurredAt: '2026-01-03T00:00:00.000Z',
      profile: { firstName: 'Ada', email: 'ada@example.com' },
    },
    {
      clientId: 'missing-too',
      instance: 'eu',
      occurredAt: '2026-01-01T00:00:00+01:00',
      correlationId: 'r-1',
      profile: {},
    },
    {
      clientId: 'missing-suspended',
      instance: 'eu',
      occurredAt: '2026-01-03T00:00:00.000Z',
      profile: { city: 'x' },
      settings: { tracking: true, logging: false },
    },
  ]);
});

test('each user who differs is updated, in the fields that differ, one that is to be empty is cleared, and a missing user deactivated', () => {
  expect([...updates(optionsAfterComparison())]).toStrictEqual([
    {
      clientId: 'differs',
      instance: 'eu',
      occurredAt: '2026-01-03T00:00:00.000Z',
      changes: { phone: null, email: 'ada@example.com' },
    },
    {
      clientId: 'differs-too',
      instance: 'eu',
      occurredAt: '2026-01-02T00:00:00Z',
      correlationId: 'r-2',
      changes: { nickname: 'ada' },
    },
    {
      clientId: 'missing-suspended',
      instance: 'eu',
      occurredAt: '2026-01-03T00:00:00.000Z',
      changes: { status: 'deactivated' },
    },
    {
      clientId: 'differs-in-settings',
      instance: 'eu',
      occurredAt: '2026-01-03T00:00:00.000Z',
      changes: { city: 'x', settings: { tracking: true, logging: false }, status: 'active' },
    },
  ]);
});
