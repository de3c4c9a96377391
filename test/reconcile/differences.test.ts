import { describe, expect, test } from 'vitest';
import type { DamoovUser } from '../../src/damoov/wire.ts';
import { compare, instance, listed, onDay } from './differences-world.ts';

describe('the differences', () => {
  test('are none if Damoov has every user as the list wants it, and then nobody is looked up', async () => {
    const { differences, states, lookedUp } = await compare({
      list: listed({ clientId: 'a', wanted: { phone: '1' } }, { clientId: 'b', wanted: {} }),
      damoov: [
        [
          { userId: 'u-b', clientId: 'b', phone: '2' },
          { userId: 'u-a', clientId: 'a', phone: '1' },
        ],
      ],
    });
    expect(differences).toEqual([]);
    expect(states).toEqual(['same', 'same']);
    expect(lookedUp).toEqual([]);
  });

  test('are those of the list in its order, then the orphaned', async () => {
    const { differences, states, toUpdate } = await compare({
      list: listed(
        { clientId: 'differs', wanted: { phone: '1', nickname: 'n', email: 'E' } },
        { clientId: 'same', wanted: { phone: '1' } },
        { clientId: 'missing', wanted: {} },
        { clientId: 'twice', wanted: {} },
      ),
      damoov: [
        [
          { userId: 'u-5', dateCreated: onDay(5), clientId: 'orphan' },
          { userId: 'u-4', dateCreated: onDay(4), clientId: 'twice' },
          { userId: 'u-3', dateCreated: onDay(3), clientId: 'twice' },
          { userId: 'u-2', dateCreated: onDay(2), clientId: 'same', phone: '1' },
          { userId: 'u-1', dateCreated: onDay(1), clientId: 'differs', phone: '2', email: 'e' },
        ],
      ],
    });
    expect(differences).toEqual([
      { kind: 'differing', line: 2, clientId: 'differs', userId: 'u-1', fields: ['nickname', 'phone'] },
      { kind: 'missing', line: 4, clientId: 'missing' },
      { kind: 'duplicated', line: 5, clientId: 'twice', userIds: ['u-3', 'u-4'] },
      { kind: 'orphaned', userId: 'u-5', clientId: 'orphan', createdAt: '2026-01-05T12:00:00.000Z' },
    ]);
    expect(states).toEqual(['differing', 'same', 'missing', 'duplicated']);
    expect(toUpdate).toEqual([['nickname', 'phone'], [], [], []]);
  });

  test('are none where Damoov does not show a listed value: that is unknown', async () => {
    const wanted = { phone: '1', tracking: true, status: 'active' } as const;
    const users: DamoovUser[] = [
      { userId: 'u-1', clientId: 'a', phone: '1', settings: { tracking: true }, status: 'active' },
      { userId: 'u-2', clientId: 'b', phone: '1', settings: { logging: true }, status: 'active' },
      { userId: 'u-3', clientId: 'c', phone: '2', settings: { tracking: false } },
      { userId: 'u-4', clientId: 'd', phone: '1' },
    ];
    const list = listed(...['a', 'b', 'c', 'd'].map((clientId) => ({ clientId, wanted })));
    const shownLater = { userId: 'u-4', clientId: 'd', phone: '1', settings: { tracking: true } };
    const last = [...users.slice(0, 3), { ...shownLater, status: 'active' as const }];
    const { differences, states, toUpdate, progress } = await compare({ list, damoov: [users, last] });
    expect(differences).toEqual([
      { kind: 'unknown', line: 3, clientId: 'b', userId: 'u-2', fields: ['tracking'] },
      { kind: 'differing', line: 4, clientId: 'c', userId: 'u-3', fields: ['phone', 'tracking'] },
      { kind: 'unknown', line: 4, clientId: 'c', userId: 'u-3', fields: ['status'] },
    ]);
    expect(states).toEqual(['same', 'same', 'differing', 'same']);
    expect(toUpdate).toEqual([[], [], ['phone', 'tracking'], []]);
    expect(progress.at(-1)).toEqual({ step: 'looking again', seen: 3, total: 3 });
  });

  test('of a missing user include that it is to be deactivated, as a sign-up makes it active', async () => {
    const list = listed(
      ...(['active', 'deactivated'] as const).map((status) => ({ clientId: status, wanted: { status } })),
    );
    const { differences, toUpdate } = await compare({ list, damoov: [[]] });
    expect(differences.map(({ kind }) => kind)).toEqual(['missing', 'missing']);
    expect(toUpdate).toEqual([[], ['status']]);
  });

  test('are looked at once more: what is no difference any more is none', async () => {
    const { differences, states } = await compare({
      list: listed(
        { clientId: 'mended', wanted: { phone: '1' } },
        { clientId: 'signed-up', wanted: { phone: '1' } },
        { clientId: 'twice', wanted: {} },
        { clientId: 'renamed', wanted: {} },
      ),
      damoov: [
        [
          { userId: 'u-1', clientId: 'mended', phone: '2' },
          { userId: 'u-2', clientId: 'twice' },
          { userId: 'u-3', clientId: 'twice' },
          { userId: 'u-4', clientId: 'deleted' },
          { userId: 'u-5', clientId: 'old-name' },
        ],
        [
          { userId: 'u-1', clientId: 'mended', phone: '1' },
          { userId: 'u-2', clientId: 'twice' },
          { userId: 'u-5', clientId: 'renamed' },
          { userId: 'u-6', clientId: 'signed-up', phone: '1' },
        ],
      ],
    });
    expect(differences).toEqual([]);
    expect(states).toEqual(['same', 'same', 'same', 'same']);
  });

  test('are told as they are when they are looked at, not as they were on the page', async () => {
    const { differences, states } = await compare({
      list: listed(
        { clientId: 'a', wanted: { phone: '1' } },
        { clientId: 'b', wanted: { phone: '1' } },
        { clientId: 'c', wanted: { phone: '1' } },
      ),
      damoov: [
        [{ userId: 'u-1', clientId: 'a', phone: '2' }],
        [
          { userId: 'u-2', clientId: 'b', phone: '2' },
          { userId: 'u-3', clientId: 'c' },
          { userId: 'u-4', clientId: 'c' },
        ],
      ],
    });
    expect(differences.map(({ kind }) => kind)).toEqual(['missing', 'differing', 'duplicated']);
    expect(states).toEqual(['missing', 'differing', 'duplicated']);
  });

  test('concern the users of the instance alone', async () => {
    const other = '22222222-2222-4222-8222-222222222222';
    const { differences, queries } = await compare({
      list: listed({ clientId: 'a', wanted: {} }, { clientId: 'b', wanted: {} }),
      damoov: [
        [
          { userId: 'u-1', clientId: 'a', instanceId: instance.id.toLowerCase() },
          { userId: 'u-2', clientId: 'a', instanceId: other },
          { userId: 'u-3', clientId: 'b', instanceId: other },
          { userId: 'u-4', clientId: 'c', instanceId: other },
          { userId: 'u-5', instanceId: other },
        ],
      ],
    });
    expect(differences).toEqual([{ kind: 'missing', line: 3, clientId: 'b' }]);
    expect(queries).toEqual([
      {
        pageNumber: 1,
        pageSize: 100,
        instanceIds: [instance.id],
        includeInactive: true,
        includeAccountInfo: true,
      },
    ]);
  });
});

describe('a duplicated user', () => {
  test('has the ids of its users told, the oldest first, and as Damoov gives them if they are as old', async () => {
    const { differences } = await compare({
      list: listed({ clientId: 'c', wanted: {} }),
      damoov: [
        [
          { userId: 'u-1', clientId: 'c', dateCreated: onDay(3) },
          { userId: 'u-2', clientId: 'c', dateCreated: onDay(1) },
          { userId: 'u-3', clientId: 'c', dateCreated: onDay(4) },
          { userId: 'u-4', clientId: 'c', dateCreated: onDay(1) },
          { userId: 'u-5', clientId: 'c', dateCreated: onDay(2) },
        ],
      ],
    });
    expect(differences).toEqual([
      { kind: 'duplicated', line: 2, clientId: 'c', userIds: ['u-2', 'u-4', 'u-5', 'u-1', 'u-3'] },
    ]);
  });
});

describe('the progress', () => {
  test('reports the number of users read, then of those checked, each with the total', async () => {
    const users = [3, 2, 1].map((day) => ({ userId: `u-${day}`, dateCreated: onDay(day) }));
    const list = listed({ clientId: 'missing', wanted: {} });
    const { progress } = await compare({ list, damoov: [users], pageSize: 2 });
    expect(progress.map(({ step, seen, total }) => `${step} ${seen}/${total}`)).toEqual([
      'reading 0/3',
      'reading 2/3',
      'reading 3/3',
      'looking again 0/4',
      'looking again 1/4',
      'looking again 2/4',
      'looking again 3/4',
      'looking again 4/4',
    ]);
  });

  test('never reports more users than there are, though some are read twice', async () => {
    const before = [3, 2, 1].map((day) => ({ userId: `u-${day}` }));
    const { progress } = await compare({ list: [], damoov: [before, before.slice(1)], pageSize: 2 });
    const reading = progress.filter(({ step }) => step === 'reading');
    expect(reading.map(({ seen, total }) => `${seen}/${total}`)).toEqual(['0/3', '2/3', '2/2', '2/2']);
  });
});
