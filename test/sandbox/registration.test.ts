import { expect, test } from 'vitest';
import { OTHER_TOKEN, TOKEN, UUID, at, deviceTokenOf, instanceId, openSandbox, tokensOf } from './caller.ts';

test('a create gives a new user a random UUID, and no tokens where they are not wanted', async () => {
  const sandbox = await openSandbox();
  const reply = await sandbox.create({ CreateAccessToken: false, FirstName: 'Ada' });

  expect(reply.status).toBe(200);
  expect(reply.headers.get('content-type')).toBe('application/json; charset=utf-8');
  expect(reply.body).toEqual({
    Result: { DeviceToken: expect.stringMatching(UUID), AccessToken: null, RefreshToken: null },
    Status: 200,
    Title: '',
    Errors: [],
  });
  expect(await sandbox.users()).toEqual([
    {
      deviceToken: deviceTokenOf(reply),
      instanceId,
      clientId: null,
      firstName: 'Ada',
      lastName: null,
      nickname: null,
      phone: null,
      email: null,
      status: 'Active',
      createdAt: expect.stringMatching(/^\d{4}-.*Z$/),
      deletedAt: null,
    },
  ]);
});

test('a create that asks for tokens gets a pair that lives five days', async () => {
  const sandbox = await openSandbox();
  const reply = await sandbox.create({ CreateAccessToken: true });
  expect(at(reply.body, 'Result', 'AccessToken', 'ExpiresIn')).toBe(432_000);
  expect(tokensOf(reply).RefreshToken).not.toBe('');
});

test('CustomToken becomes the device token, in lower case', async () => {
  const sandbox = await openSandbox();
  expect(deviceTokenOf(await sandbox.create({ CustomToken: TOKEN.toUpperCase() }))).toBe(TOKEN);
});

test('paths, header names and the first letter of a key have no case', async () => {
  const sandbox = await openSandbox();
  const body = { customToken: TOKEN, firstName: 'Ada', userFields: { clientId: 'ada-1' } };
  const headers = {
    INSTANCEID: instanceId.toUpperCase(),
    instancekey: '22222222-2222-4222-8222-222222222222',
  };
  const reply = await sandbox.send('POST', '/V1/registration/CREATE', body, headers);
  expect(deviceTokenOf(reply)).toBe(TOKEN);
  expect(await sandbox.users()).toMatchObject([{ firstName: 'Ada', clientId: 'ada-1' }]);
});

test('the same client, email and phone twice make two users', async () => {
  const sandbox = await openSandbox();
  const body = { Email: 'ada@example.com', Phone: '+1', UserFields: { ClientId: 'ada-1' } };
  const first = deviceTokenOf(await sandbox.create(body));
  const second = deviceTokenOf(await sandbox.create(body));
  expect(first).not.toBe(second);
});

test('a create without any body is a user without a profile', async () => {
  const sandbox = await openSandbox();
  expect((await sandbox.create(undefined)).status).toBe(200);
});

test.each([
  ['a CustomToken that is no UUID', { CustomToken: 'ada' }, 'CustomToken'],
  ['a number for a name', { FirstName: 1 }, 'FirstName'],
  ['UserFields that are no object', { UserFields: [] }, 'UserFields'],
  ['a number for a ClientId', { UserFields: { ClientId: 1 } }, 'UserFields.ClientId'],
  ['text for a flag', { UserFields: { EnableTracking: 'yes' } }, 'UserFields.EnableTracking'],
])('%s is a 422 that names the field, and makes no user', async (_what, body, key) => {
  const sandbox = await openSandbox();
  const reply = await sandbox.create(body);
  expect(reply.status).toBe(422);
  expect(reply.body).toEqual({
    Status: 422,
    Title: 'One or more validation errors occurred.',
    Errors: [{ Key: key, Message: expect.any(String) }],
  });
  expect(await sandbox.users()).toEqual([]);
});

test('every fault of a body is named at once', async () => {
  const sandbox = await openSandbox();
  const { body } = await sandbox.create({ FirstName: 1, Email: false });
  expect(at(body, 'Errors')).toMatchObject([{ Key: 'FirstName' }, { Key: 'Email' }]);
});

test.each([
  ['text that is no JSON', '{'],
  ['an array', '[]'],
])('%s is a 400', async (_what, body) => {
  const sandbox = await openSandbox();
  expect((await sandbox.create(body)).status).toBe(400);
});

test('a body that is not declared as JSON is a 415', async () => {
  const sandbox = await openSandbox();
  expect((await sandbox.create('{}', { 'Content-Type': 'text/plain' })).status).toBe(415);
});

test('users of one sandbox are unknown to another', async () => {
  const one = await openSandbox();
  const other = await openSandbox();
  await one.create({ CustomToken: TOKEN });
  await other.create({ CustomToken: OTHER_TOKEN });
  expect(await one.users()).toMatchObject([{ deviceToken: TOKEN }]);
  expect(await other.users()).toMatchObject([{ deviceToken: OTHER_TOKEN }]);
});

test('instances and the admin can be replaced', async () => {
  const instances = [{ id: OTHER_TOKEN, key: 'k' }];
  const sandbox = await openSandbox({ instances, adminEmail: 'root@example.com', adminPassword: 'p' });
  expect((await sandbox.create({})).status).toBe(401);
  expect((await sandbox.create({}, { InstanceId: OTHER_TOKEN, InstanceKey: 'k' })).status).toBe(200);
  expect((await sandbox.login()).status).toBe(401);
  expect((await sandbox.login('root@example.com', 'p')).status).toBe(200);
});
