import { expect, test } from 'vitest';
import type { HttpAnswer } from '../../src/damoov/exchange.ts';
import { json, success } from './scripted-server.ts';
import { admin, always, instance, jsonBody, startWorld, userId } from './world.ts';

test('a create sends the instance in headers, no Authorization, and only what is defined', async () => {
  const { server, client } = await startWorld();
  const created = await client.createUser(instance, {
    customToken: userId,
    firstName: 'Ada',
    lastName: undefined,
    email: 'ada@example.test',
    clientId: 'c-1',
  });
  expect(created).toEqual({ userId, status: 200 });
  expect(server.received).toEqual([
    {
      operation: 'create',
      method: 'POST',
      url: '/v1/Registration/create',
      headers: { ...always, ...jsonBody, InstanceId: instance.id, InstanceKey: instance.key },
      body:
        `{"CustomToken":"${userId}","CreateAccessToken":false,"FirstName":"Ada","Email":"ada@example.test",` +
        '"UserFields":{"ClientId":"c-1"}}',
    },
  ]);
});

test('a create of nobody in particular still says whether an access token is wanted', async () => {
  const { server, client } = await startWorld();
  await client.createUser(instance, {});
  await client.createUser(instance, { createAccessToken: true });
  expect(server.received.map(({ body }) => body)).toEqual([
    '{"CreateAccessToken":false}',
    '{"CreateAccessToken":true}',
  ]);
});

test('every field of a create has its place on the wire', async () => {
  const { server, client } = await startWorld();
  await client.createUser(instance, {
    customToken: userId,
    createAccessToken: true,
    firstName: 'a',
    lastName: 'b',
    nickname: 'c',
    phone: 'd',
    email: 'e',
    clientId: 'f',
  });
  expect(JSON.parse(server.received[0]?.body ?? '')).toEqual({
    CustomToken: userId,
    CreateAccessToken: true,
    FirstName: 'a',
    LastName: 'b',
    Nickname: 'c',
    Phone: 'd',
    Email: 'e',
    UserFields: { ClientId: 'f' },
  });
});

test('the tokens that a create asked for are handed over', async () => {
  const { server, client } = await startWorld();
  server.script(
    'create',
    success({
      DeviceToken: userId.toUpperCase(),
      AccessToken: { Token: 'user-token', ExpiresIn: 432_000 },
      RefreshToken: 'user-refresh',
    }),
  );
  expect(await client.createUser(instance, { createAccessToken: true })).toEqual({
    userId,
    status: 200,
    accessToken: { token: 'user-token', expiresInS: 432_000 },
    refreshToken: 'user-refresh',
  });
});

test('an update names the user in a header and is a plain PUT of JSON', async () => {
  const { server, client } = await startWorld();
  expect(await client.updateUser(userId, { firstName: 'Ada' })).toEqual({
    status: 200,
    hadResultNull: false,
  });
  expect(server.received.at(-1)).toEqual({
    operation: 'update',
    method: 'PUT',
    url: '/v1/Management/users',
    headers: { ...always, ...jsonBody, UserDeviceToken: userId, Authorization: 'Bearer token-1' },
    body: '{"FirstName":"Ada"}',
  });
});

test('null and "" are sent, and undefined is not', async () => {
  const { server, client } = await startWorld();
  await client.updateUser(userId, {
    firstName: null,
    lastName: '',
    nickname: undefined,
    clientId: null,
  });
  expect(server.received.at(-1)?.body).toBe(
    '{"FirstName":null,"LastName":"","UserFields":{"ClientId":null}}',
  );
});

test('every field of an update has its place on the wire', async () => {
  const { server, client } = await startWorld();
  await client.updateUser(userId, {
    nickname: 'a',
    phone: 'b',
    email: 'c',
    gender: 'female',
    birthday: '1815-12-10',
    maritalStatus: 'single',
    childrenCount: 0,
    country: 'e',
    district: 'f',
    city: 'g',
    address: 'h',
    imageUrl: 'https://example.test/i.png',
    status: 'deactivated',
    settings: { enabled: false, tracking: true, logging: false, realTimeLocation: true },
    clientId: 'd',
  });
  expect(JSON.parse(server.received.at(-1)?.body ?? '')).toEqual({
    Nickname: 'a',
    Phone: 'b',
    Email: 'c',
    Gender: 'Female',
    Birthday: '1815-12-10',
    MaritalStatus: '4',
    ChildrenCount: 0,
    Country: 'e',
    District: 'f',
    City: 'g',
    Address: 'h',
    ExternalImageUrl: 'https://example.test/i.png',
    Status: 'Deactivated',
    UserFields: {
      ClientId: 'd',
      Enabled: false,
      EnableTracking: true,
      EnableLogging: false,
      EnableRealTimeLocation: true,
    },
  });
});

test('a field is cleared by null, and a gender by its own word for none', async () => {
  const { server, client } = await startWorld();
  await client.updateUser(userId, { gender: null, maritalStatus: null, childrenCount: null, birthday: null });
  expect(JSON.parse(server.received.at(-1)?.body ?? '')).toEqual({
    Gender: 'None',
    Birthday: null,
    MaritalStatus: null,
    ChildrenCount: null,
  });
});

test('a deletion has no body and no content type', async () => {
  const { server, client } = await startWorld();
  expect(await client.deleteUser(` ${userId} `)).toEqual({ status: 200, hadResultNull: false });
  expect(server.received.at(-1)).toEqual({
    operation: 'delete',
    method: 'DELETE',
    url: `/v1/Management/users/${userId}`,
    headers: { ...always, Authorization: 'Bearer token-1' },
    body: '',
  });
});

test('a deletion answered with Result null is told apart from a normal one', async () => {
  const { server, client } = await startWorld();
  server.script('delete', json(200, { Result: null, Status: 200, Title: '', Errors: [] }));
  expect(await client.deleteUser(userId)).toEqual({ status: 200, hadResultNull: true });
});

test.each(['', '  ', '..', 'a/b', 'a\r\nInstanceKey: x', 'ada@example.test'])(
  'an update or a deletion of %j is not sent',
  async (id) => {
    const { server, client } = await startWorld();
    await expect(client.deleteUser(id)).rejects.toThrow(TypeError);
    await expect(client.updateUser(id, { firstName: 'x' })).rejects.toThrow(TypeError);
    expect(server.received).toEqual([]);
  },
);

test('a login carries the email as JSON within JSON, whatever characters it has', async () => {
  const email = 'a"b\\c@example.test';
  const { server, client } = await startWorld({ admin: { ...admin, email } });
  await client.ensureSession();
  expect(server.received).toEqual([
    {
      operation: 'login',
      method: 'POST',
      url: '/v1/Auth/Login',
      headers: { ...always, ...jsonBody },
      body: JSON.stringify({ LoginFields: JSON.stringify({ email }), Password: admin.password }),
    },
  ]);
});

test('the base URL may have a path prefix, with or without a slash at its end', async () => {
  const { server } = await startWorld();
  for (const prefix of ['/proxy/damoov', '/proxy/damoov/']) {
    const { client } = await startWorld({ baseUrl: `${server.url}${prefix}` });
    await client.createUser(instance, {});
  }
  expect(server.received.map(({ url }) => url)).toEqual([
    '/proxy/damoov/v1/Registration/create',
    '/proxy/damoov/v1/Registration/create',
  ]);
});

test('whoever wants it is told an answer as it came, a refusal too', async () => {
  const { server, client } = await startWorld();
  server.script('create', json(409, { Status: 409, Title: '', Errors: [] }, { date: 'then' }));
  const answers: HttpAnswer[] = [];
  const onAnswer = (answer: HttpAnswer) => void answers.push(answer);
  await client.createUser(instance, {}, { onAnswer }).catch(() => {});
  await client.findUsers({ deviceToken: userId }, { onAnswer });
  expect(answers).toMatchObject([
    { status: 409, headers: { date: 'then' }, text: '{"Status":409,"Title":"","Errors":[]}' },
    { status: 200 },
  ]);
});

test('a plain request is sent as it is, and never with the session of the admin', async () => {
  const { server, client } = await startWorld();
  await client.ensureSession();
  await client.request({
    operation: 'find',
    method: 'GET',
    path: '/v1/Management/users/find',
    headers: { 'x-own': 'yes' },
  });
  expect(server.received.at(-1)).toMatchObject({ method: 'GET', headers: { ...always, 'x-own': 'yes' } });
  expect(server.received.at(-1)?.headers).not.toHaveProperty('authorization');
});

test('what is told an answer and fails, also later, fails the call', async () => {
  const { client } = await startWorld();
  const onAnswer = async () => {
    throw new Error('told');
  };
  await expect(client.createUser(instance, {}, { onAnswer })).rejects.toThrow('told');
});
