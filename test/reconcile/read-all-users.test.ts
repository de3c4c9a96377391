import { test } from '@fast-check/vitest';
import * as fc from 'fast-check';
import { describe, expect } from 'vitest';
import type { DamoovUser, UserPage } from '../../src/damoov/wire.ts';
import { readAllUsers } from '../../src/reconcile/read-all-users.ts';

/** Users by number, the newest first, as pages are cut of them. */
function pagesOf(users: readonly number[], pageNumber: number, size: number): UserPage {
  return {
    users: users
      .slice((pageNumber - 1) * size, pageNumber * size)
      .map((number): DamoovUser => ({ userId: String(number) })),
    hasNextPage: pageNumber * size < users.length,
    totalUsers: users.length,
  };
}

/** What happens before a request: so many users come, and those at these places (as shares of all) go. */
interface Change {
  come: number;
  go: number[];
}
const changes = fc.array(
  fc.record({
    come: fc.nat({ max: 3 }),
    go: fc.array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), { maxLength: 4 }),
  }),
  { maxLength: 60 },
);

async function readAll(count: number, pageSize: number, changes: readonly Change[]) {
  let users = Array.from({ length: count }, (_, at) => count - at);
  const lasting = new Set(users);
  let next = count;
  let requests = 0;
  const ask = async (pageNumber: number, size: number) => {
    const { come, go } = changes[requests] ?? { come: 0, go: [] };
    // The first page is the beginning.
    if (requests > 0) {
      for (const share of go) {
        const [gone] = users.splice(Math.floor(share * users.length), 1);
        if (gone !== undefined) lasting.delete(gone);
      }
      for (let one = 0; one < come; one += 1) users = [++next, ...users];
    }
    requests += 1;
    return pagesOf(users, pageNumber, size);
  };
  const seen = new Set<number>();
  for await (const { users } of readAllUsers(ask, pageSize)) {
    for (const { userId } of users) seen.add(Number(userId));
  }
  return { seen, lasting, requests };
}

describe('all users', () => {
  test.prop([fc.nat({ max: 60 }), fc.integer({ min: 1, max: 12 }), changes], { numRuns: 1000 })(
    'who are there from the first request to the last are on a page, whoever comes and goes meanwhile',
    async (count, pageSize, changes) => {
      const { seen, lasting } = await readAll(count, pageSize, changes);
      expect([...lasting].filter((user) => !seen.has(user))).toEqual([]);
    },
  );

  test('are read with one request a page where nobody comes or goes', async () => {
    expect((await readAll(1000, 100, [])).requests).toBe(10);
    expect((await readAll(1001, 100, [])).requests).toBe(11);
    expect((await readAll(0, 100, [])).requests).toBe(1);
  });

  test('are read with two requests more for a deletion, and come to an end where one comes before each', async () => {
    const once: Change[] = [...Array.from({ length: 5 }, () => ({ come: 0, go: [] })), { come: 0, go: [0] }];
    expect((await readAll(1000, 100, once)).requests).toBeLessThanOrEqual(12);
    const always = Array.from({ length: 1000 }, () => ({ come: 1, go: [0.01, 0.02] }));
    expect((await readAll(1000, 100, always)).requests).toBeLessThanOrEqual(40);
  });

  test('are read by the size that Damoov gives where it gives smaller pages than it is asked for', async () => {
    const users = Array.from({ length: 95 }, (_, at) => at);
    const asked: number[] = [];
    const ask = async (pageNumber: number, size: number) => {
      asked.push(size);
      return pagesOf(users, pageNumber, Math.min(size, 20));
    };
    const seen: string[] = [];
    for await (const page of readAllUsers(ask, 50)) seen.push(...page.users.map(({ userId }) => userId));
    expect(seen).toHaveLength(95);
    expect(asked).toEqual([50, 20, 20, 20, 20]);
  });

  test('are read by pages as large as before after one in their midst was short', async () => {
    const users = Array.from({ length: 1000 }, (_, at) => at);
    let requests = 0;
    const ask = async (pageNumber: number, size: number) => {
      requests += 1;
      const page = pagesOf(users, pageNumber, size);
      return requests === 5 ? { ...page, users: page.users.slice(0, 10) } : page;
    };
    const seen = new Set<string>();
    for await (const page of readAllUsers(ask, 100)) for (const { userId } of page.users) seen.add(userId);
    expect(seen.size).toBe(1000);
    expect(requests).toBeLessThanOrEqual(13);
  });

  test('are read though three pages in a row say that more follow, and have nobody', async () => {
    const users = [1, 2, 3];
    let requests = 0;
    const ask = async (pageNumber: number, size: number) => {
      requests += 1;
      return requests <= 3
        ? { users: [], hasNextPage: true, totalUsers: 3 }
        : pagesOf(users, pageNumber, size);
    };
    const seen: string[] = [];
    for await (const page of readAllUsers(ask, 5)) seen.push(...page.users.map(({ userId }) => userId));
    expect(seen).toEqual(['1', '2', '3']);
  });

  test('are not taken for read where short pages say that more follow', async () => {
    const ask = async () => ({ users: [], hasNextPage: true, totalUsers: 9 });
    await expect(async () => {
      for await (const _ of readAllUsers(ask, 5));
    }).rejects.toThrow('Damoov returned 0 users on a page of 5, although more follow');
  });
});
