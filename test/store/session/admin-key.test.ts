import { pino } from 'pino';
import { expect, onTestFinished, test } from 'vitest';
import { startApp } from '../../../src/app/app.ts';
import { loadConfig } from '../../../src/config/config.ts';
import { deriveAdminKey } from '../../../src/store/session/admin-key.ts';
import { SANDBOX_CREDENTIALS } from '../../../src/sandbox/server.ts';
import { createWorld } from '../../support/world.ts';

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

test('a guess costs what 32 MiB do, also where a worker derives the key, unless somebody says otherwise', async () => {
  const { adminEmail: email, adminPassword: password } = SANDBOX_CREDENTIALS;
  const world = await createWorld({ startsWorker: false });
  const app = await startApp(loadConfig(world.env), pino({ level: 'silent' }));
  onTestFinished(() => app.close());
  await world.run('delete-user', { clientId: 'nobody' });
  const { fingerprint } = await deriveAdminKey({ email, password, baseUrl: world.sandboxUrl }, 2 ** 15);
  expect(await world.redis.keys(`${world.prefix}:session:*`)).toContainEqual(
    expect.stringContaining(fingerprint),
  );
  const [usual, cheap] = await Promise.all([deriveAdminKey(admin), deriveAdminKey(admin, 2)]);
  expect(usual).toEqual(await deriveAdminKey(admin, 2 ** 15));
  expect(cheap.fingerprint).not.toBe(usual.fingerprint);
});
