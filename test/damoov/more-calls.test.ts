import { expect, test } from 'vitest';
import { DamoovClient } from '../../src/damoov/client.ts';
import { inMemoryLoginBudget } from '../../src/damoov/login-budget.ts';
import { SANDBOX_CREDENTIALS, startSandbox } from '../../src/sandbox/server.ts';
import { refusal, success, tokens } from './scripted-server.ts';
import { errorOf, instance, startWorld, userId } from './world.ts';

const other = { id: '99999999-aaaa-4111-8111-111111111111', key: 'other-key' };

test('a user is got by its id alone, in any instance and also if it is inactive', async () => {
  const { server, client } = await startWorld();
  const found = { DeviceToken: userId.toUpperCase(), Status: 'Inactive' };
  server.script('find', success([found]));
  expect(await client.getUser(userId)).toEqual({ userId, status: 'deactivated' });
  expect(server.received.at(-1)?.url).toBe(
    `/v1/Management/users/find?DeviceToken=${userId}&ShowInactiveUsers=true&IncludeAccountInfo=true`,
  );
  // A service that takes no notice of the filter shows others.
  server.script('find', success([{ DeviceToken: other.id }]));
  expect(await client.getUser(userId)).toBeUndefined();
});

test('a move names the user and the other instance, and may have been applied where it got no answer', async () => {
  const { server, client } = await startWorld();
  server.script('move', success(), refusal(503));
  expect(await client.moveUser(userId, other)).toEqual({ status: 200, hadResultNull: false });
  expect(server.received.at(-1)).toMatchObject({
    method: 'POST',
    url: '/v1/Management/users/instances/change',
    body: JSON.stringify({ DeviceToken: userId, ToInstanceId: other.id, ToInstanceKey: other.key }),
  });
  const error = await errorOf(client.moveUser(userId, other));
  expect(error).toMatchObject({ operation: 'move', mayHaveBeenApplied: true });
  expect(JSON.stringify(error) + error.message).not.toContain(other.key);
});

test('users are counted by the filters of a page', async () => {
  const { server, client } = await startWorld();
  server.script('page', success({ Users: [], HasNextPage: true, TotalUsers: 42 }));
  const dateCreatedFrom = new Date('2026-01-01T00:00:00Z');
  const filter = { instanceIds: [other.id], city: 'London', rtdEnabled: false, dateCreatedFrom };
  expect(await client.countUsers({ ...filter, includeInactive: true })).toBe(42);
  expect(JSON.parse(server.received.at(-1)?.body ?? '')).toEqual({
    InstanceIds: [other.id],
    City: 'London',
    RtdEnabled: false,
    DateCreatedFrom: '2026-01-01T00:00:00.000Z',
    PageNumber: 1,
    PageSize: 1,
    IncludeAccountInfo: false,
    Sort: 'DateCreatedDesc',
    ActivityStatuses: [],
    ShowInactiveUsers: true,
  });
});

test('a user logs in with the key of its instance, and its pair is refreshed', async () => {
  const { server, client } = await startWorld();
  server.script('login', tokens('own-1', 'own-refresh-1'));
  server.script('refresh', tokens('own-2', 'own-refresh-2'));
  const pair = await client.loginUser(instance, userId);
  expect(server.received.at(-1)).toMatchObject({
    url: '/v1/Auth/Login',
    headers: { InstanceId: instance.id },
    body: JSON.stringify({
      LoginFields: JSON.stringify({ Devicetoken: userId }),
      Password: instance.key,
    }),
  });
  const { accessToken, refreshToken = '' } = pair;
  expect(await client.refreshUser({ accessToken, refreshToken })).toMatchObject({ accessToken: 'own-2' });
});

test('logins of users spend the budget of the admin, and a 429 bars both', async () => {
  const { server, client } = await startWorld({ loginBudget: inMemoryLoginBudget({ loginsPerHour: 1 }) });
  await client.loginUser(instance, userId);
  expect(await errorOf(client.deleteUser(userId))).toMatchObject({ kind: 'login-barred', wasSent: false });
  const barred = await startWorld();
  barred.server.script('login', refusal(429));
  const error = await errorOf(barred.client.loginUser(instance, userId));
  expect(error).toMatchObject({ kind: 'login-barred', retryAfterMs: 3_600_000, wasSent: true });
  expect(await errorOf(barred.client.ensureSession())).toMatchObject({
    kind: 'login-barred',
    wasSent: false,
  });
  expect([server.count('login'), barred.server.count('login')]).toEqual([1, 1]);
});

test('a login that a user is refused is no fault of the admin credentials', async () => {
  const { server, client } = await startWorld();
  server.script('login', refusal(401), tokens('token-1', 'refresh-1'));
  expect(await errorOf(client.loginUser(instance, userId))).toMatchObject({ kind: 'unauthorized' });
  expect(await client.deleteUser(userId)).toMatchObject({ status: 200 });
});

test('all of it works against the sandbox', async () => {
  const sandbox = await startSandbox({});
  const {
    instanceId: id,
    instanceKey: key,
    adminEmail: email,
    adminPassword: password,
  } = SANDBOX_CREDENTIALS;
  const client = new DamoovClient({ baseUrl: sandbox.url, admin: { email, password } });
  const made = await client.createUser({ id, key }, { clientId: 'c-1', birthday: '1815-12-10' });
  await client.updateUser(made.userId, {
    status: 'deactivated',
    city: 'London',
    settings: { tracking: false },
  });
  expect(await client.getUser(made.userId)).toMatchObject({
    clientId: 'c-1',
    birthday: '1815-12-10',
    status: 'deactivated',
    city: 'London',
    settings: { tracking: false },
  });
  expect([await client.countUsers(), await client.countUsers({ includeInactive: true })]).toEqual([0, 1]);
  const pair = await client.loginUser({ id, key }, made.userId);
  const { accessToken, refreshToken = '' } = pair;
  expect((await client.refreshUser({ accessToken, refreshToken })).accessToken).not.toBe(accessToken);
  await client.close();
  await sandbox.close();
});
