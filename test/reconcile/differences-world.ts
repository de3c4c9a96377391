/** A list compared with a Damoov in memory: what differs, and what was asked for on the way. */
import type { DamoovUser, PageQuery } from '../../src/damoov/wire.ts';
import {
  type Comparison,
  type Difference,
  type Progress,
  findDifferences,
} from '../../src/reconcile/differences.ts';
import type { ListedElsewhere, ListedUser } from '../../src/reconcile/listed-user.ts';
import { UserList } from '../../src/reconcile/user-list.ts';

export const instance = { id: '11111111-1111-4111-8111-11111111111A' };

export const listed = (...users: Omit<ListedUser, 'line'>[]): ListedUser[] =>
  users.map((user, at) => ({ line: at + 2, ...user }));

/** As Damoov writes it: no zone. */
export const onDay = (day: number) => `2026-01-${String(day).padStart(2, '0')}T12:00:00.0000000`;

export interface World {
  list: ListedUser[];
  /** What the list says of other instances. */
  elsewhere?: ListedElsewhere[];
  /** Damoov's users, the newest first: at each request of a page, and at last when users are looked up. */
  damoov: DamoovUser[][];
  listedAt?: number;
  pageSize?: number;
}

export async function compare({
  list: listedUsers,
  elsewhere = [],
  damoov,
  listedAt = Date.UTC(2026, 11, 31),
  pageSize = 100,
}: World) {
  const list = new UserList();
  for (const user of listedUsers) list.add(user);
  const queries: PageQuery[] = [];
  const lookedUp: string[] = [];
  const progress: Progress[] = [];
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
    list,
    elsewhere,
    listedAt,
    pageSize,
    onProgress: (step: Progress) => void progress.push(step),
  };
  for await (const difference of findDifferences(comparison)) differences.push(difference);
  const states = list.all().map(({ state }) => state);
  const toUpdate = list.all().map((entry) => entry.toUpdate);
  return { differences, states, toUpdate, queries, lookedUp, progress };
}
