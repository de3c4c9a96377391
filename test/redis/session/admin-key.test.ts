import { expect, test } from 'vitest';
import { deriveAdminKey } from '../../../src/redis/session/admin-key.ts';

const admin = { email: 'admin@example.test', password: 'correct horse', baseUrl: 'https://damoov.test/api' };

test('the same credentials give the same key and fingerprint on every worker, however the address ends', async () => {
  const [one, other] = await Promise.all([
    deriveAdminKey(admin),
    deriveAdminKey({ ...admin, baseUrl: 'https://DAMOOV.test/api/' }),
  ]);
  expect(other).toEqual(one);
  expect(one.encryptionKey).toHaveLength(32);
  expect(one.fingerprint).toMatch(/^[\w-]{16}$/);
});

test.each([
  ['password', { password: 'correct horse ' }],
  ['email', { email: 'other@example.test' }],
  ['API', { baseUrl: 'https://damoov.test' }],
])('another %s gives another key and fingerprint', async (_what, change) => {
  const [one, other] = await Promise.all([deriveAdminKey(admin), deriveAdminKey({ ...admin, ...change })]);
  expect(other.fingerprint).not.toBe(one.fingerprint);
  expect(other.encryptionKey.equals(one.encryptionKey)).toBe(false);
});
