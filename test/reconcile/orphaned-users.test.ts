import { describe, expect, test } from 'vitest';
import type { DamoovUser } from '../../src/damoov/wire.ts';
import { type World, compare, listed, onDay } from './differences-world.ts';

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

  test('only since a moment ago is told with the line, too', async () => {
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
    expect(differences).toStrictEqual([
      { kind: 'orphaned', userId: 'u-2', clientId: 'ADA', looksLikeLine: 2 },
    ]);
  });
});
