import { test } from '@fast-check/vitest';
import * as fc from 'fast-check';
import { describe, expect } from 'vitest';
import type { DamoovUser } from '../../src/damoov/wire.ts';
import { checksum, fingerprint } from '../../src/reconcile/fingerprint.ts';
import { ListIndex, type RowState, listedRows } from '../../src/reconcile/list-index.ts';
import {
  CLEARABLE,
  COMPARED,
  type ListedUser,
  differingFields,
  unknownFields,
  valuesOf,
} from '../../src/reconcile/listed-user.ts';

const clientIds = fc.nat({ max: 40 }).map((number) => `c-${number}`);
/** Few values, so that many are the same but for what is no difference. */
const values = fc.constantFrom('', 'a', ' a', 'A', 'b', 'é', 'e\u0301');
const profiles = fc
  .record(
    Object.fromEntries(
      COMPARED.map((field) => [field, CLEARABLE.some((name) => name === field) ? values : fc.boolean()]),
    ),
    { requiredKeys: [] },
  )
  // Whatever a field may have: only texts are compared.
  .map((profile) => profile as ListedUser['wanted']);
const lists = fc.uniqueArray(fc.record({ clientId: clientIds, wanted: profiles }), {
  selector: ({ clientId }) => clientId,
  maxLength: 40,
});
const sightings = fc.array(
  fc.tuple(
    clientIds,
    fc.nat({ max: 2 }).map((number) => `user-${number}`),
    profiles,
  ),
  { maxLength: 80 },
);

/** The state of a listed user, by the users with its clientId in the order in which they are seen. */
function expected(listed: Pick<ListedUser, 'wanted'>, seen: readonly DamoovUser[]): RowState {
  const [first] = seen;
  if (first === undefined) return 'unseen';
  if (seen.some(({ userId }) => userId !== first.userId)) return 'duplicated';
  const shown = valuesOf(first);
  const fields = [...differingFields(listed, shown), ...unknownFields(listed, shown)];
  return fields.length > 0 ? 'differing' : 'same';
}

describe('the index of a list', () => {
  test.prop([lists, sightings])('knows of each user what the list itself would tell', (list, sightings) => {
    const index = new ListIndex();
    for (const user of list) expect(index.add(user)).toBe(true);
    for (const user of list) expect(index.add(user)).toBe(false);
    expect(index.size).toBe(list.length);
    const listed = new Set(list.map(({ clientId }) => clientId));
    const users = sightings.map(
      ([clientId, userId, { enabled, tracking, logging, realTimeLocation, ...profile }]) => {
        const settings = { enabled, tracking, logging, realTimeLocation };
        return { clientId, userId, ...profile, settings } as DamoovUser & { clientId: string };
      },
    );
    for (const user of users) expect(index.see(user)).toBe(listed.has(user.clientId));
    const states = list.map((user) =>
      expected(
        user,
        users.filter(({ clientId }) => clientId === user.clientId),
      ),
    );
    expect(list.map((_, row) => index.stateOf(row))).toEqual(states);
    expect(index.doubtful).toBe(states.filter((state) => state !== 'same').length);
  });

  test.prop([fc.constantFrom('missing', 'differing', 'duplicated'), fc.subarray([...COMPARED])])(
    'remembers what was settled, and changes nothing else by it',
    (state, fields) => {
      const index = new ListIndex();
      for (const clientId of ['a', 'b', 'c']) index.add({ clientId, wanted: { phone: '1' } });
      index.see({ clientId: 'a', userId: 'x', phone: '1' });
      index.settle(1, state, fields);
      expect([index.stateOf(1), index.fieldsOf(1)]).toEqual([state, fields]);
      expect([index.stateOf(0), index.stateOf(2)]).toEqual(['same', 'unseen']);
    },
  );

  test('takes a user who is on several pages for one', () => {
    const index = new ListIndex();
    index.add({ clientId: 'c', wanted: { phone: '1' } });
    for (let page = 1; page <= 2; page += 1) index.see({ clientId: 'c', userId: 'u', phone: '1' });
    expect(index.stateOf(0)).toBe('same');
  });

  test('knows at which place a user is', () => {
    const index = new ListIndex();
    for (const clientId of ['a', 'b']) index.add({ clientId, wanted: {} });
    expect([index.isAt(0, 'a'), index.isAt(1, 'b')]).toEqual([true, true]);
    expect([index.isAt(1, 'a'), index.isAt(0, 'b'), index.isAt(0, 'c'), index.isAt(2, 'c')]).toEqual([
      false,
      false,
      false,
      false,
    ]);
  });

  test('of a hundred thousand users finds every one', () => {
    const index = new ListIndex();
    const count = 100_000;
    for (let number = 0; number < count; number += 1) index.add({ clientId: `c-${number}`, wanted: {} });
    expect(index.size).toBe(count);
    const rows = Array.from({ length: count }, (_, row) => row);
    expect(rows.filter((row) => !index.isAt(row, `c-${row}`))).toEqual([]);
    expect(rows.filter((row) => index.has(`d-${row}`))).toEqual([]);
  });
});

describe('a list that is read again', () => {
  const usersOf = (...clientIds: string[]) =>
    clientIds.map((clientId, at) => ({ line: at + 2, clientId, wanted: {} }));

  async function readAgain(before: ListedUser[], now: ListedUser[]) {
    const index = new ListIndex();
    for (const user of before) index.add(user);
    const rows: [number, ListedUser][] = [];
    async function* list() {
      yield* now;
    }
    for await (const { row, user } of listedRows(list(), index)) rows.push([row, user]);
    return rows;
  }

  test('has its users by the rows of the index', async () => {
    const users = usersOf('a', 'b', 'c');
    expect(await readAgain(users, users)).toEqual(users.map((user, row) => [row, user]));
  });

  test.each([
    ['has another user', ['a', 'x', 'c']],
    ['has another order', ['a', 'c', 'b']],
    ['lacks a user', ['a', 'c']],
    ['ends earlier', ['a', 'b']],
    ['has a user more', ['a', 'b', 'c', 'd']],
  ])('is refused if it %s by now', async (_what, now) => {
    await expect(readAgain(usersOf('a', 'b', 'c'), usersOf(...now))).rejects.toThrow('the list was changed');
  });
});

test('fingerprints and checksums of ids that differ in a digit or in their order differ', () => {
  const texts = Array.from({ length: 40_000 }, (_, at) => [`c-${at}`, `${at}-c`]).flat();
  expect(new Set(texts.map((text) => fingerprint(text))).size).toBe(texts.length);
  expect(new Set(texts.map((text) => checksum(text))).size).toBe(texts.length);
  expect(fingerprint('c-1')).toHaveLength(12);
});
