import { describe, expect, test } from 'vitest';
import type { DamoovUser, PageQuery } from '../../src/damoov/wire.ts';
import {
  type Comparison,
  type Difference,
  type Progress,
  findDifferences,
} from '../../src/reconcile/differences.ts';
import { ListIndex } from '../../src/reconcile/list-index.ts';
import type { ListedElsewhere, ListedUser } from '../../src/reconcile/listed-user.ts';

const instance = { id: '11111111-1111-4111-8111-11111111111A' };

const listed = (...users: Omit<ListedUser, 'line'>[]): ListedUser[] =>
  users.map((user, at) => ({ line: at + 2, ...user }));

/** As Damoov writes it: no zone. */
const onDay = (day: number) => `2026-01-${String(day).padStart(2, '0')}T12:00:00.0000000`;

interface World {
  list: ListedUser[];
  /** What the list says of other instances. */
  elsewhere?: ListedElsewhere[];
  /** Damoov's users, the newest first: at each request of a page, and at last when users are looked up. */
  damoov: DamoovUser[][];
  listedAt?: number;
  pageSize?: number;
}

async function compare({
  list,
  elsewhere = [],
  damoov,
  listedAt = Date.UTC(2026, 11, 31),
  pageSize = 100,
}: World) {
  const index = new ListIndex();
  for (const user of list) index.add(user);
  const queries: PageQuery[] = [];
  const lookedUp: string[] = [];
  const progress: Progress[] = [];
  /** The rows for other instances. */
  let readings = 0;
  const client: Comparison['client'] = {
    page: async (query) => {
      const users = damoov[queries.length] ?? damoov.at(-1) ?? [];
      queries.push(query);
      const end = query.pageNumber * query.pageSize;
      return {
        users: users.slice(end - query.pageSize, end),
        hasNextPage: end < users.length,
        totalUsers: users.length,
      };
    },
    findUsers: async ({ clientId, deviceToken }) => {
      lookedUp.push(clientId ?? deviceToken ?? '');
      return (damoov.at(-1) ?? []).filter((user) =>
        clientId === undefined ? user.userId === deviceToken : user.clientId === clientId,
      );
    },
  };
  const differences: Difference[] = [];
  const comparison = {
    client,
    instance,
    index,
    list: async function* () {
      yield* list;
    },
    elsewhere: async function* () {
      readings += 1;
      yield* elsewhere;
    },
    listedAt,
    pageSize,
    onProgress: (step: Progress) => void progress.push(step),
  };
  for await (const difference of findDifferences(comparison)) differences.push(difference);
  const states = list.map((_, row) => index.stateOf(row));
  return { differences, states, index, queries, lookedUp, progress, readings };
}

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
    const { differences, states, index } = await compare({
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
    expect(index.fieldsOf(0)).toEqual(['nickname', 'phone']);
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
    const { differences, states, index, progress } = await compare({ list, damoov: [users, last] });
    expect(differences).toEqual([
      { kind: 'unknown', line: 3, clientId: 'b', userId: 'u-2', fields: ['tracking'] },
      { kind: 'differing', line: 4, clientId: 'c', userId: 'u-3', fields: ['phone', 'tracking'] },
      { kind: 'unknown', line: 4, clientId: 'c', userId: 'u-3', fields: ['status'] },
    ]);
    expect(states).toEqual(['same', 'same', 'differing', 'same']);
    expect(index.toUpdate).toBe(1);
    expect(progress.at(-1)).toEqual({ step: 'looking again', seen: 3, total: 3 });
  });

  test('of a missing user include that it is to be deactivated, as a sign-up makes it active', async () => {
    const list = listed(
      ...(['active', 'deactivated'] as const).map((status) => ({ clientId: status, wanted: { status } })),
    );
    const { differences, index } = await compare({ list, damoov: [[]] });
    expect(differences.map(({ kind }) => kind)).toEqual(['missing', 'missing']);
    expect([index.toUpdate, index.fieldsOf(0), index.fieldsOf(1)]).toEqual([1, [], ['status']]);
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

describe('an orphaned user', () => {
  const orphans = async (users: DamoovUser[], world: Partial<World> = {}) =>
    (await compare({ list: [], damoov: [users], ...world })).differences;

  test('has its clientId and the time of its creation, if Damoov gives them', async () => {
    const found = await orphans([
      { userId: 'u-1', clientId: 'c', dateCreated: onDay(2) },
      { userId: 'u-2', dateCreated: '2026-01-01T12:00:00+01:00' },
      { userId: 'u-3', dateCreated: '2026-01-01T12:00:00Z' },
      { userId: 'u-4', dateCreated: '01.01.2026 noon' },
      { userId: 'u-5' },
    ]);
    expect(found).toStrictEqual([
      { kind: 'orphaned', userId: 'u-1', clientId: 'c', createdAt: '2026-01-02T12:00:00.000Z' },
      { kind: 'orphaned', userId: 'u-2', createdAt: '2026-01-01T11:00:00.000Z' },
      { kind: 'orphaned', userId: 'u-3', createdAt: '2026-01-01T12:00:00.000Z' },
      { kind: 'orphaned', userId: 'u-4' },
      { kind: 'orphaned', userId: 'u-5' },
    ]);
  });

  test('is none who was created after the list was made', async () => {
    const listedAt = Date.UTC(2026, 0, 2, 12);
    const found = await orphans(
      [
        { userId: 'u-3', dateCreated: '2026-01-02T12:00:00.0010000' },
        { userId: 'u-2', dateCreated: onDay(2) },
        { userId: 'u-1', dateCreated: onDay(1) },
      ],
      { listedAt },
    );
    expect(found).toMatchObject([{ userId: 'u-2' }, { userId: 'u-1' }]);
  });

  test('is none who was created after the first page was read, by Damoov’s own clock', async () => {
    const before = [3, 2, 1].map((day) => ({ userId: `u-${day}`, dateCreated: onDay(day) }));
    // Two go and one comes, so that the first page is read again.
    const after = [{ userId: 'u-4', dateCreated: onDay(4) }, ...before.slice(2)];
    const { differences, queries } = await compare({ list: [], damoov: [before, after], pageSize: 2 });
    expect(queries.map(({ pageNumber }) => pageNumber)).toEqual([1, 2, 1]);
    expect(differences).toMatchObject([{ kind: 'orphaned', userId: 'u-1' }]);
  });
});

describe('an orphaned user whose clientId the list has', () => {
  test('in another writing is told with the line, whatever else becomes of that row', async () => {
    const { differences } = await compare({
      list: listed(
        { clientId: 'ada@x.com', wanted: {} },
        { clientId: '123', wanted: {} },
        { clientId: 'bob', wanted: {} },
      ),
      damoov: [
        [
          { userId: 'u-1', clientId: 'Ada@X.com' },
          { userId: 'u-2', clientId: 'ada@x.com' },
          { userId: 'u-3', clientId: '00123' },
          { userId: 'u-4', clientId: 'bob' },
          { userId: 'u-5', clientId: 'eve' },
          { userId: 'u-6' },
        ],
      ],
    });
    expect(differences).toStrictEqual([
      { kind: 'missing', line: 3, clientId: '123' },
      { kind: 'orphaned', userId: 'u-1', clientId: 'Ada@X.com', looksLikeLine: 2 },
      { kind: 'orphaned', userId: 'u-3', clientId: '00123', looksLikeLine: 3 },
      { kind: 'orphaned', userId: 'u-5', clientId: 'eve' },
      { kind: 'orphaned', userId: 'u-6' },
    ]);
  });

  test('for another instance is told with the line, in whatever writing', async () => {
    const { differences } = await compare({
      list: listed({ clientId: 'bob', wanted: {} }),
      elsewhere: [
        { line: 7, clientId: 'ada' },
        { line: 8, clientId: 'EVE' },
      ],
      damoov: [['bob', 'ada', 'eve'].map((clientId) => ({ userId: `u-${clientId}`, clientId }))],
    });
    expect(differences).toStrictEqual([
      { kind: 'orphaned', userId: 'u-ada', clientId: 'ada', looksLikeLine: 7 },
      { kind: 'orphaned', userId: 'u-eve', clientId: 'eve', looksLikeLine: 8 },
    ]);
  });

  test('is what the rows of other instances are read for, and only that', async () => {
    const elsewhere = [{ line: 7, clientId: 'ada' }];
    const list = listed({ clientId: 'bob', wanted: {} });
    const bob = { userId: 'u-bob', clientId: 'bob' };
    expect((await compare({ list, elsewhere, damoov: [[bob]] })).readings).toBe(0);
    const eve = { userId: 'u-eve', clientId: 'eve' };
    expect((await compare({ list, elsewhere, damoov: [[bob, eve]] })).readings).toBe(1);
  });

  test('not, but whose userId it has, is told with the line', async () => {
    const { differences } = await compare({
      list: listed({ clientId: 'renamed', userId: 'u-1', wanted: {} }),
      elsewhere: [{ line: 9, userId: 'U-2' }],
      damoov: [[{ userId: 'u-1', clientId: 'old' }, { userId: 'u-2' }, { userId: 'u-3' }]],
    });
    expect(differences).toStrictEqual([
      { kind: 'missing', line: 2, clientId: 'renamed' },
      { kind: 'orphaned', userId: 'u-1', clientId: 'old', looksLikeLine: 2 },
      { kind: 'orphaned', userId: 'u-2', looksLikeLine: 9 },
      { kind: 'orphaned', userId: 'u-3' },
    ]);
  });

  test('only since a moment ago is none: the list was not searched for this clientId', async () => {
    const { differences } = await compare({
      list: listed({ clientId: 'ada', wanted: {} }),
      damoov: [
        [
          { userId: 'u-1', clientId: 'ada' },
          { userId: 'u-2', clientId: 'old' },
        ],
        [
          { userId: 'u-1', clientId: 'ada' },
          { userId: 'u-2', clientId: 'ADA' },
        ],
      ],
    });
    expect(differences).toEqual([]);
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
