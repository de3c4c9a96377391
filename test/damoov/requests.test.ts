import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { DamoovClient } from '../../src/damoov/client.ts';
import type { HttpAnswer } from '../../src/damoov/exchange.ts';
import { json, success } from './scripted-server.ts';
import { admin, instance, startWorld, userId } from './world.ts';

const always = { accept: 'application/json', 'user-agent': 'damoov-user-lifecycle' };
const jsonBody = { 'content-type': 'application/json' };

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

test('a find encodes its criteria and asks for inactive users only when told to', async () => {
  const { server, client } = await startWorld();
  await client.findUsers({ email: 'a+b&c@example.test', fullName: 'Zoë X' });
  await client.findUsers({ deviceToken: userId, includeInactive: true });
  const [, first, second] = server.received;
  expect(first).toEqual({
    operation: 'find',
    method: 'GET',
    url: '/v1/Management/users/find?Email=a%2Bb%26c%40example.test&FullName=Zo%C3%AB%20X',
    headers: { ...always, Authorization: 'Bearer token-1' },
    body: '',
  });
  expect(second?.url).toBe(`/v1/Management/users/find?DeviceToken=${userId}&ShowInactiveUsers=true`);
});

test('a find answers users as we know them', async () => {
  const { server, client } = await startWorld();
  const profile = {
    FirstName: 'Ada',
    LastName: null,
    Nickname: 'ada',
    Email: 'ada@example.test',
    Phone: '+1',
    Gender: 'Female',
    Birthday: '1815-12-10T00:00:00',
    MaritalStatus: 1,
    ChildrenCount: 3,
    City: 'London',
    ExternalImageUrl: 'https://example.test/i.png',
  };
  server.script(
    'find',
    success([
      {
        DeviceToken: userId.toUpperCase(),
        DateCreated: '2026-11-01T10:00:00.1234567',
        Status: 'Inactive',
        ActivityStatus: 'No Data',
        ImageUrl: 'https://example.test/default.png',
        UserProfile: profile,
        UserFields: [{ ClientId: 'c-1', Enabled: false, EnableTracking: true }],
      },
    ]),
  );
  expect(await client.findUsers({ clientId: 'c-1' })).toEqual([
    {
      userId,
      status: 'deactivated',
      dateCreated: '2026-11-01T10:00:00.1234567',
      firstName: 'Ada',
      nickname: 'ada',
      email: 'ada@example.test',
      phone: '+1',
      gender: 'female',
      birthday: '1815-12-10',
      maritalStatus: 'married',
      childrenCount: 3,
      city: 'London',
      imageUrl: 'https://example.test/i.png',
      clientId: 'c-1',
      settings: { enabled: false, tracking: true },
    },
  ]);
});

test('a value that is none of the documented ones is as if it were left out', async () => {
  const { server, client } = await startWorld();
  const UserProfile = { Gender: 'None', Birthday: 'soon', MaritalStatus: '5', ChildrenCount: 'many' };
  const user = { DeviceToken: userId, Status: 'Sleeping', UserProfile, UserFields: { Enabled: 'yes' } };
  server.script('find', success([user]));
  expect(await client.findUsers({ clientId: 'c-1' })).toEqual([{ userId }]);
});

test('a find that would find everybody is not sent', async () => {
  const { server, client } = await startWorld();
  await expect(client.findUsers({})).rejects.toThrow(TypeError);
  await expect(client.findUsers({ includeInactive: true })).rejects.toThrow(TypeError);
  await expect(client.findUsers({ clientId: ' ', email: 'a@example.test' })).rejects.toThrow(TypeError);
  expect(server.received).toEqual([]);
});

test('a page names its order, its instances, and whether inactive users are on it', async () => {
  const { server, client } = await startWorld();
  server.script('page', success({ Users: [], HasNextPage: false, TotalUsers: 0 }));
  await client.page({ pageNumber: 1, pageSize: 50 });
  await client.page({
    pageNumber: 3,
    pageSize: 200,
    instanceIds: [instance.id],
    includeInactive: true,
    includeAccountInfo: true,
  });
  const [, first, second] = server.received;
  expect(first).toEqual({
    operation: 'page',
    method: 'POST',
    url: '/v1/Management/users/GetFilteredPage',
    headers: { ...always, ...jsonBody, Authorization: 'Bearer token-1' },
    body:
      '{"InstanceIds":[],"PageNumber":1,"PageSize":50,"IncludeAccountInfo":false,"Sort":"DateCreatedDesc",' +
      '"ActivityStatuses":[],"ShowInactiveUsers":false}',
  });
  expect(JSON.parse(second?.body ?? '')).toMatchObject({
    InstanceIds: [instance.id],
    PageNumber: 3,
    PageSize: 200,
    IncludeAccountInfo: true,
    ShowInactiveUsers: true,
  });
});

test('a page answers users as find does, whether more follow, and how many there are', async () => {
  const { server, client } = await startWorld();
  const user = {
    DeviceToken: userId.toUpperCase(),
    UserProfile: { FirstName: 'Ada' },
    AccountInfo: { InstanceId: instance.id.toUpperCase() },
    UserFields: [{ ClientId: 'c-1' }],
  };
  server.script('page', success({ Users: [user], HasNextPage: true, TotalUsers: 7, TotalPages: 7 }));
  expect(await client.page({ pageNumber: 1, pageSize: 1 })).toEqual({
    users: [{ userId, firstName: 'Ada', clientId: 'c-1', instanceId: instance.id }],
    hasNextPage: true,
    totalUsers: 7,
  });
});

test.each([0, -1, 1.5, Number.NaN])('a page of the number or the size %d is not asked for', async (count) => {
  const { server, client } = await startWorld();
  await expect(client.page({ pageNumber: count, pageSize: 10 })).rejects.toThrow(TypeError);
  await expect(client.page({ pageNumber: 1, pageSize: count })).rejects.toThrow(TypeError);
  expect(server.received).toEqual([]);
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

test('options that cannot be meant are refused, each by its name, and asked of nobody', async () => {
  const { server, client } = await startWorld();
  const refused = (options: object, ...names: string[]) => {
    const make = () => new DamoovClient({ baseUrl: server.url, ...options });
    expect(make).toThrow(TypeError);
    expect(make).toThrow(new RegExp(`^${names.map((name) => `${name}: [^;]+`).join('; ')}$`));
  };
  refused({ admin: { email: '', password: '' } }, 'admin.email', 'admin.password');
  refused({ admin: { email: 'a', password: undefined, pasword: 'b' } }, 'admin.password', 'admin.pasword');
  for (const timeoutMs of [Number.NaN, Infinity, 0, -1, 2 ** 31, '10']) refused({ timeoutMs }, 'timeoutMs');
  for (const connections of [0, 1.5, '64']) refused({ connections }, 'connections');
  const wrong = {
    baseUrl: `${server.url}?a`,
    sessionStore: {},
    loginBudget: 1,
    traffic: null,
    now: 0,
    timeout: 1,
  };
  refused(wrong, ...Object.keys(wrong));
  await expect(client.close(Number.NaN)).rejects.toThrow('graceMs: must be a number of milliseconds');
  expect(server.received).toEqual([]);
});

test('what is told an answer and fails, also later, fails the call', async () => {
  const { client } = await startWorld();
  const onAnswer = async () => {
    throw new Error('told');
  };
  await expect(client.createUser(instance, {}, { onAnswer })).rejects.toThrow('told');
});

test('a base URL that is none is refused, and its password not told', () => {
  let error: unknown;
  try {
    void new DamoovClient({ baseUrl: 'https//ada:kret@h', admin });
  } catch (caught) {
    error = caught;
  }
  expect(error).toMatchObject({ message: 'baseUrl: must be an http:// or https:// URL' });
  expect(inspect(error)).not.toContain('kret');
});
