/**
 * What a user's own token is for.
 */
import { describe, expect, test } from 'vitest';
import {
  type Caller,
  OTHER_TOKEN,
  TOKEN,
  at,
  bearer,
  instanceId,
  instanceKey,
  openSandbox,
  tokensOf,
} from './caller.ts';

const DONE = { Status: 200, Title: '', Errors: [] };
const US = { id: 'cccccccc-cccc-4ccc-8ccc-cccccccccccc', key: 'us-key' };
const USERS = '/v1/Management/users';
const CHANGE = `${USERS}/instances/change`;

/** One user, TOKEN, in the first of two instances, and the header of its own token. */
async function openWithUser(options: Parameters<typeof openSandbox>[0] = {}) {
  const sandbox = await openSandbox({
    instances: [{ id: instanceId, key: instanceKey }, US],
    ...options,
  });
  await sandbox.create({ CustomToken: TOKEN, FirstName: 'Ada', UserFields: { ClientId: 'ada-1' } });
  return { sandbox, own: bearer(tokensOf(await sandbox.loginUser(TOKEN)).AccessToken) };
}

describe('the login of a user', () => {
  test('takes the device token and the key of its instance, and answers tokens for a day', async () => {
    const { sandbox } = await openWithUser();
    const reply = await sandbox.loginUser(TOKEN.toUpperCase(), instanceId.toUpperCase());
    expect(reply.body).toEqual({
      ...DONE,
      Result: {
        DeviceToken: TOKEN,
        AccessToken: { Token: expect.any(String), ExpiresIn: 86_400 },
        RefreshToken: expect.any(String),
      },
    });
    expect(await sandbox.requests()).toMatchObject([
      { operation: 'create' },
      { operation: 'login', deviceToken: TOKEN, applied: true },
      { operation: 'login', deviceToken: TOKEN, applied: true },
    ]);
  });

  test('is a 401 with another key, another instance, no instance or another user', async () => {
    const { sandbox } = await openWithUser({ modes: { loginLimit: null } });
    const status = async (...credentials: Parameters<Caller['loginUser']>) =>
      (await sandbox.loginUser(...credentials)).status;
    expect(await status(TOKEN, instanceId, US.key)).toBe(401);
    expect(await status(TOKEN, US.id, US.key)).toBe(401);
    expect(await status(TOKEN, US.id, instanceKey)).toBe(401);
    expect(await status(TOKEN, '', instanceKey)).toBe(401);
    expect(await status(OTHER_TOKEN)).toBe(401);
    expect(await status('ada')).toBe(401);
    await sandbox.becomeAdmin();
    await sandbox.delete(TOKEN);
    expect(await status(TOKEN)).toBe(401);
  });

  test('follows the user into another instance', async () => {
    const { sandbox } = await openWithUser();
    await sandbox.becomeAdmin();
    await sandbox.move({ DeviceToken: TOKEN, ToInstanceId: US.id, ToInstanceKey: US.key });
    expect((await sandbox.loginUser(TOKEN)).status).toBe(401);
    expect((await sandbox.loginUser(TOKEN, US.id, US.key)).status).toBe(200);
  });

  test('counts towards the limit on logins', async () => {
    const { sandbox } = await openWithUser({
      modes: { loginLimit: { max: 1, windowMs: 60_000, barMs: 60_000 } },
    });
    expect((await sandbox.loginUser(TOKEN)).status).toBe(429);
  });

  test('loginRevokes: revokes the tokens that this user had, and no others', async () => {
    const { sandbox, own } = await openWithUser({ modes: { loginRevokes: true } });
    const other = tokensOf(await sandbox.create({ CustomToken: OTHER_TOKEN }));
    await sandbox.becomeAdmin();
    const status = async (headers: Record<string, string>) =>
      (await sandbox.send('GET', USERS, undefined, headers)).status;
    expect(await status(own)).toBe(200);
    const renewed = bearer(tokensOf(await sandbox.loginUser(TOKEN)).AccessToken);
    expect([await status(own), await status(renewed)]).toEqual([401, 200]);
    expect(await status(bearer(other.AccessToken))).toBe(200);
    expect((await sandbox.find({ DeviceToken: TOKEN })).status).toBe(200);
  });

  const SPELLINGS = [
    { LoginFields: JSON.stringify({ DeviceToken: TOKEN }) },
    { LoginFields: { DeviceToken: TOKEN } },
    { LoginFields: JSON.stringify({ DEVICETOKEN: TOKEN }) },
  ];

  test('loginFieldCase: takes every spelling of Devicetoken, or only that one', async () => {
    const { sandbox } = await openWithUser({ modes: { loginLimit: null } });
    const status = async (body: object) => {
      const credentials = { ...body, Password: instanceKey };
      return (await sandbox.send('POST', '/v1/Auth/Login', credentials, { InstanceId: instanceId })).status;
    };
    for (const body of SPELLINGS) expect([body, await status(body)]).toEqual([body, 200]);
    await sandbox.patchModes({ loginFieldCase: 'exact' });
    for (const body of SPELLINGS) expect([body, await status(body)]).toEqual([body, 401]);
    expect(await status({ LoginFields: { Devicetoken: TOKEN } })).toBe(200);
    expect((await sandbox.loginUser(TOKEN)).status).toBe(200);
    expect((await sandbox.login()).status).toBe(200);
  });
});

describe('GET Management/users', () => {
  test('answers the user as an object, as find shows it', async () => {
    const { sandbox, own } = await openWithUser();
    await sandbox.becomeAdmin();
    const reply = await sandbox.send('GET', USERS, undefined, own);
    expect(reply.body).toEqual({
      ...DONE,
      Result: at((await sandbox.find({ DeviceToken: TOKEN })).body, 'Result', 0),
    });
    expect(at(await sandbox.requests(), 3)).toMatchObject({
      operation: 'read',
      deviceToken: TOKEN,
      clientId: 'ada-1',
      applied: false,
    });
  });

  test('sees a write at once, and the user itself when it is inactive; a deleted user is a 404', async () => {
    const { sandbox, own } = await openWithUser({ modes: { findLagMs: 60_000 } });
    await sandbox.becomeAdmin();
    await sandbox.update(TOKEN, { FirstName: 'Augusta', Status: 'Deactivated' });
    const seen = { Status: 'Inactive', UserProfile: { FirstName: 'Augusta' } };
    expect((await sandbox.send('GET', USERS, undefined, own)).body).toMatchObject({ Result: seen });
    await sandbox.delete(TOKEN);
    expect((await sandbox.send('GET', USERS, undefined, own)).status).toBe(404);
  });
});

describe('PUT Management/users', () => {
  const put = (sandbox: Caller, headers: Record<string, string>, body: unknown = { FirstName: 'Augusta' }) =>
    sandbox.send('PUT', USERS, body, headers);

  test('changes the user that the header DeviceToken names, or the one of the token', async () => {
    const { sandbox, own } = await openWithUser();
    const reply = await put(sandbox, { ...own, DeviceToken: TOKEN.toUpperCase() });
    expect(reply.body).toEqual(DONE);
    expect(await sandbox.users()).toMatchObject([{ firstName: 'Augusta', clientId: 'ada-1' }]);
    expect((await put(sandbox, own, { Country: 'GB', UserFields: { Enabled: false } })).body).toEqual(DONE);
    expect(await sandbox.users()).toMatchObject([{ firstName: 'Augusta', country: 'GB', enabled: false }]);
    expect(at(await sandbox.requests(), 3)).toMatchObject({ operation: 'update', deviceToken: TOKEN });
  });

  test('is a 403 for another user and with the header of the admin, and changes nothing', async () => {
    const { sandbox, own } = await openWithUser();
    await sandbox.create({ CustomToken: OTHER_TOKEN, FirstName: 'Alan' });
    for (const headers of [
      { DeviceToken: OTHER_TOKEN },
      { UserDeviceToken: OTHER_TOKEN },
      { UserDeviceToken: TOKEN },
      { DeviceToken: TOKEN, UserDeviceToken: OTHER_TOKEN },
      { DeviceToken: 'ada' },
    ]) {
      expect((await put(sandbox, { ...own, ...headers })).status).toBe(403);
    }
    expect(await sandbox.users()).toMatchObject([{ firstName: 'Ada' }, { firstName: 'Alan' }]);
  });

  test('names the faults of its body, and is a 404 for a deleted user', async () => {
    const { sandbox, own } = await openWithUser();
    const reply = await put(sandbox, own, { FirstName: 1 });
    expect(reply.body).toMatchObject({ Status: 422, Errors: [{ Key: 'FirstName' }] });
    await sandbox.becomeAdmin();
    await sandbox.delete(TOKEN);
    expect((await put(sandbox, own)).status).toBe(404);
  });
});

describe('POST Management/users/instances/change/{code}', () => {
  test('moves the user to the instance of the code, and answers its name', async () => {
    const { sandbox, own } = await openWithUser();
    await sandbox.becomeAdmin();
    const reply = await sandbox.send('POST', `${CHANGE}/${US.id.toUpperCase()}`, undefined, own);
    expect(reply.body).toEqual({ ...DONE, Result: { InstanceName: expect.stringContaining(US.id) } });
    expect(await sandbox.users()).toMatchObject([{ deviceToken: TOKEN, instanceId: US.id }]);
    const found = await sandbox.find({ ClientId: 'ada-1' });
    expect(at(found.body, 'Result', 0, 'AccountInfo', 'InstanceId')).toBe(US.id);
    expect(at(await sandbox.requests(), 3)).toMatchObject({ operation: 'join', deviceToken: TOKEN });
  });

  test('is a 404 for an unknown code', async () => {
    const { sandbox, own } = await openWithUser();
    for (const code of [TOKEN, 'JOIN-US', '__proto__']) {
      expect((await sandbox.send('POST', `${CHANGE}/${code}`, undefined, own)).status).toBe(404);
    }
    expect(await sandbox.users()).toMatchObject([{ instanceId }]);
  });

  test('repeatedMove decides about the instance that the user is in', async () => {
    const { sandbox, own } = await openWithUser();
    const join = async () => (await sandbox.send('POST', `${CHANGE}/${instanceId}`, undefined, own)).status;
    expect(await join()).toBe(200);
    await sandbox.patchModes({ repeatedMove: 409 });
    expect(await join()).toBe(409);
  });
});

test('a picture is taken, however large, and thrown away', async () => {
  const { sandbox, own } = await openWithUser();
  const form = new FormData();
  form.append('file', new Blob([new Uint8Array(3_000_000)], { type: 'image/png' }), 'me.png');
  const url = `${sandbox.url}${USERS}/images/upload`;
  const before = (await sandbox.send('GET', USERS, undefined, own)).body;
  const response = await fetch(url, { method: 'POST', headers: own, body: form });
  expect([response.status, await response.json()]).toEqual([200, DONE]);
  expect((await sandbox.send('GET', USERS, undefined, own)).body).toEqual(before);
  expect(at(await sandbox.requests(), 3)).toMatchObject({ operation: 'upload', deviceToken: TOKEN });
});

const OWN_ENDPOINTS = [
  ['GET', USERS],
  ['PUT', USERS],
  ['POST', `${CHANGE}/${US.id}`],
  ['POST', `${USERS}/images/upload`],
] as const;

test.each(OWN_ENDPOINTS)('%s %s is a 401 without a good token', async (method, path) => {
  const { sandbox } = await openWithUser();
  const body = method === 'PUT' ? {} : undefined;
  expect((await sandbox.send(method, path, body)).status).toBe(401);
  expect((await sandbox.send(method, path, body, bearer('made-up'))).status).toBe(401);
});

test.each(OWN_ENDPOINTS.filter(([method]) => method !== 'PUT'))(
  '%s %s is a 403 with the token of the admin',
  async (method, path) => {
    const { sandbox } = await openWithUser();
    const admin = bearer(tokensOf(await sandbox.login()).AccessToken);
    expect((await sandbox.send(method, path, undefined, admin)).status).toBe(403);
  },
);

test.each(OWN_ENDPOINTS)('ownUser 403: %s %s is a 403 with a token of a user', async (method, path) => {
  const { sandbox, own } = await openWithUser({ modes: { ownUser: '403' } });
  const body = method === 'PUT' ? {} : undefined;
  expect((await sandbox.send(method, path, body, own)).status).toBe(403);
  expect(await sandbox.users()).toMatchObject([{ instanceId, firstName: 'Ada' }]);
});
