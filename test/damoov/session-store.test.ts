import { expect, test } from 'vitest';

import { inMemorySessionStore } from '../../src/damoov/session-store.ts';

test('a spent pair is forgotten, and one that was stored since is not', async () => {
  const store = inMemorySessionStore();
  const pair = (accessToken: string) => ({ accessToken, obtainedAt: 0, expiresAt: 1 });
  await store.save(pair('old'));
  await store.save(pair('new'));
  await store.clear(pair('old'));
  expect(await store.load()).toEqual(pair('new'));
  await store.clear(pair('new'));
  expect(await store.load()).toBeUndefined();
});
