import { test } from '@fast-check/vitest';
import * as fc from 'fast-check';
import { describe, expect } from 'vitest';
import type { DamoovUser } from '../../src/damoov/wire.ts';
import {
  CLEARABLE,
  COMPARED,
  type ListedUser,
  differingFields,
  unknownFields,
  valuesOf,
} from '../../src/reconcile/listed-user.ts';
import { type ListedState, UserList } from '../../src/reconcile/user-list.ts';

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
const lists = fc.uniqueArray(fc.record({ line: fc.constant(2), clientId: clientIds, wanted: profiles }), {
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
function expected(listed: Pick<ListedUser, 'wanted'>, seen: readonly DamoovUser[]): ListedState {
  const [first] = seen;
  if (first === undefined) return 'unseen';
  if (seen.some(({ userId }) => userId !== first.userId)) return 'duplicated';
  const shown = valuesOf(first);
  const fields = [...differingFields(listed, shown), ...unknownFields(listed, shown)];
  return fields.length > 0 ? 'differing' : 'same';
}

describe('a list of users', () => {
  test.prop([lists, sightings])(
    'has the state of each user, by the users seen so far',
    (listed, sightings) => {
      const list = new UserList();
      for (const user of listed) expect(list.add(user)).toBe(true);
      for (const user of listed) expect(list.add(user)).toBe(false);
      expect(list.size).toBe(listed.length);
      const clientIds = new Set(listed.map(({ clientId }) => clientId));
      const users = sightings.map(
        ([clientId, userId, { enabled, tracking, logging, realTimeLocation, ...profile }]) => {
          const settings = { enabled, tracking, logging, realTimeLocation };
          return { clientId, userId, ...profile, settings } as DamoovUser & { clientId: string };
        },
      );
      for (const user of users) expect(list.see(user)).toBe(clientIds.has(user.clientId));
      const states = listed.map((user) =>
        expected(
          user,
          users.filter(({ clientId }) => clientId === user.clientId),
        ),
      );
      expect(list.all().map(({ state }) => state)).toEqual(states);
      expect(list.doubtful.map(({ user }) => user)).toEqual(listed.filter((_, at) => states[at] !== 'same'));
    },
  );

  test('takes a user who is on several pages for one', () => {
    const list = new UserList();
    list.add({ line: 2, clientId: 'c', wanted: { phone: '1' } });
    for (let page = 1; page <= 2; page += 1) list.see({ clientId: 'c', userId: 'u', phone: '1' });
    expect(list.doubtful).toEqual([]);
    expect([list.has('c'), list.has('C')]).toEqual([true, false]);
  });
});
