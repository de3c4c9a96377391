/**
 * What the vendor's mobile clients, and apps in Dart, send, and what their code makes of the answers. Sources, all public on GitHub:
 *
 * - Android framework: Mobile-Telematics/LoginAuthFramework-Android, AuthDelegate.kt and api/UserServiceApi.kt.
 * - Android app: Mobile-Telematics/TelematicsApp-Android, data/api/LoginApi.kt and its interceptors.
 * - iOS framework: Mobile-Telematics/LoginAuthFramework-iOS, README.md (the code is a binary).
 * - iOS app: Mobile-Telematics/TelematicsApp-iOS, Services/API/MainApiRequest.m and APIRequest.m.
 * - Dart: integrators' apps that register and log in by themselves. The widget: an integrator's page for the list of users.
 */
import { describe, expect, test } from 'vitest';
import {
  type Reply,
  UUID,
  adminEmail,
  adminPassword,
  at,
  bearer,
  instanceId,
  instanceKey,
  openSandbox,
} from './caller.ts';

const KEYS = { InstanceId: instanceId, InstanceKey: instanceKey };
const JSON_UTF8 = { 'Content-Type': 'application/json; charset=UTF-8' };
const US = { id: 'cccccccc-cccc-4ccc-8ccc-cccccccccccc', key: 'us-key' };

const openWithUs = () => openSandbox({ instances: [{ id: instanceId, key: instanceKey }, US] });

/** The Result that a mobile client works with: HTTP below 400, Status 200 in the envelope, and a Result. */
function resultOf({ status, body }: Reply): unknown {
  expect([status, at(body, 'Status')]).toEqual([200, 200]);
  const result = at(body, 'Result');
  expect(result).toEqual(expect.any(Object));
  return result;
}

/** The three texts that every client reads out of a create, a login or a refresh. */
function sessionOf(reply: Reply) {
  const result = resultOf(reply);
  const session = {
    deviceToken: at(result, 'DeviceToken'),
    accessToken: at(result, 'AccessToken', 'Token'),
    refreshToken: at(result, 'RefreshToken'),
  };
  expect(session).toMatchObject({ accessToken: expect.any(String), refreshToken: expect.any(String) });
  expect(at(result, 'AccessToken', 'ExpiresIn')).toEqual(expect.any(Number));
  return {
    deviceToken: String(session.deviceToken),
    accessToken: String(session.accessToken),
    refreshToken: String(session.refreshToken),
  };
}

describe('the Android framework', () => {
  test('creates with a profile and no CreateAccessToken, refreshes, reads and updates the user', async () => {
    const sandbox = await openSandbox();
    const profile =
      '{"address":"St James’s Square","birthday":"1815-12-10T00:00:00","childrenCount":3,' +
      '"email":"ada@example.com","firstName":"Ada","gender":"Female","lastName":"Lovelace",' +
      '"maritalStatus":"1","phone":"+1","userFields":{"ClientId":"ada-1"}}';
    const headers = { ...KEYS, ...JSON_UTF8 };
    const created = sessionOf(await sandbox.send('POST', '/v1/Registration/Create', profile, headers));
    expect(created.deviceToken).toMatch(UUID);

    const { accessToken: AccessToken, refreshToken: RefreshToken } = created;
    const tokens = JSON.stringify({ AccessToken, RefreshToken });
    const refreshed = sessionOf(await sandbox.send('POST', '/v1/Auth/RefreshToken', tokens, headers));
    expect(refreshed.accessToken).not.toBe(created.accessToken);

    const own = { ...KEYS, ...bearer(refreshed.accessToken) };
    const before = resultOf(await sandbox.send('GET', '/v1/Management/users', undefined, own));
    expect(before).toMatchObject({
      DeviceToken: created.deviceToken,
      Status: 'Active',
      UserProfile: {
        Address: 'St James’s Square',
        Birthday: '1815-12-10T00:00:00',
        ChildrenCount: 3,
        Email: 'ada@example.com',
        FirstName: 'Ada',
        Gender: 'Female',
        LastName: 'Lovelace',
        MaritalStatus: '1',
        Phone: '+1',
      },
      // A list of maps, of which the first with a ClientId counts.
      UserFields: [{ ClientId: 'ada-1' }],
    });

    const changes = '{"lastName":"King","maritalStatus":"2","userFields":{"ClientId":"ada-2"}}';
    const named = { ...own, ...JSON_UTF8, DeviceToken: created.deviceToken };
    const updated = await sandbox.send('PUT', '/v1/Management/Users', changes, named);
    expect([updated.status, at(updated.body, 'Status')]).toEqual([200, 200]);
    expect(await sandbox.users()).toMatchObject([
      { firstName: 'Ada', lastName: 'King', maritalStatus: '2', clientId: 'ada-2' },
    ]);
  });

  test('sends a marital status that is not given as the text null, and it reads as none of the four', async () => {
    const sandbox = await openSandbox();
    const body = '{"maritalStatus":"null","userFields":{}}';
    const headers = { ...KEYS, ...JSON_UTF8 };
    const created = sessionOf(await sandbox.send('POST', '/v1/Registration/Create', body, headers));
    const own = { ...KEYS, ...bearer(created.accessToken) };
    const read = resultOf(await sandbox.send('GET', '/v1/Management/users', undefined, own));
    expect(at(read, 'UserProfile', 'MaritalStatus')).toBe('null');
  });

  test('logs in with LoginFields as an object, in which it is DeviceToken', async () => {
    const sandbox = await openSandbox();
    const { deviceToken } = sessionOf(await sandbox.create({}));
    const body = JSON.stringify({ loginFields: { DeviceToken: deviceToken }, password: instanceKey });
    const headers = { InstanceId: instanceId, ...JSON_UTF8 };
    const session = sessionOf(await sandbox.send('POST', '/v1/Auth/Login', body, headers));
    expect(session.deviceToken).toBe(deviceToken);
  });
});

test('the Android app updates without a DeviceToken header, uploads a picture and joins a company', async () => {
  const sandbox = await openWithUs();
  const { accessToken, deviceToken } = sessionOf(await sandbox.create({}));
  const own = { ...KEYS, ...bearer(accessToken) };

  const changes =
    '{"Email":"ada@example.com","firstName":"Ada","gender":"Female","imageUrl":"https://a.b/c"}';
  const updated = await sandbox.send('PUT', '/v1/Management/Users', changes, { ...own, ...JSON_UTF8 });
  expect([updated.status, at(updated.body, 'Status')]).toEqual([200, 200]);

  const picture = new FormData();
  picture.append('file', new Blob(['png'], { type: 'image/png' }), '/data/user/0/ada.png');
  const uploaded = await fetch(`${sandbox.url}/v1/Management/users/images/upload`, {
    method: 'POST',
    headers: own,
    body: picture,
  });
  expect(uploaded.status).toBe(200);
  expect(await uploaded.json()).toMatchObject({ Status: 200 });

  const path = `/v1/Management/users/instances/change/${US.id}`;
  const joined = resultOf(await sandbox.send('POST', path, undefined, own));
  expect(joined).toEqual({ InstanceName: expect.any(String) });
  expect(await sandbox.users()).toMatchObject([{ deviceToken, firstName: 'Ada', instanceId: US.id }]);
});

describe('the iOS clients', () => {
  test('the framework creates with texts for all it knows, and logs in by device token and key', async () => {
    const sandbox = await openSandbox();
    // Its README: "String Male/Female", "String 1/2/3/4", "String count"; a birthday that is not given is empty.
    const profile = {
      FirstName: 'Ada',
      Address: 'CITY',
      Birthday: '',
      Gender: 'Female',
      MaritalStatus: '4',
      ChildrenCount: '0',
    };
    const created = sessionOf(await sandbox.create(profile));
    const session = sessionOf(await sandbox.loginUser(created.deviceToken));
    const read = resultOf(
      await sandbox.send('GET', '/v1/Management/users', undefined, {
        ...KEYS,
        ...bearer(session.accessToken),
      }),
    );
    expect(at(read, 'UserProfile')).toMatchObject({ ...profile, ChildrenCount: 0 });
  });

  test('the app refreshes with camelCase after a 401, and repeats the request with all its headers', async () => {
    const sandbox = await openWithUs();
    const { deviceToken, accessToken, refreshToken } = sessionOf(await sandbox.create({}));
    const path = `/v1/Management/users/instances/change/${US.id}`;
    const headers = (token: string) => ({
      ...KEYS,
      ...bearer(token),
      appversion: '1.0',
      DeviceToken: deviceToken,
    });
    await sandbox.patchModes({ accessTokenTtlMs: 0 });
    expect((await sandbox.send('POST', path, undefined, headers(accessToken))).status).toBe(401);
    await sandbox.patchModes({ accessTokenTtlMs: 86_400_000 });

    const body = { accessToken, refreshToken };
    const refreshed = sessionOf(await sandbox.send('POST', '/v1/Auth/RefreshToken', body, KEYS));
    const joined = await sandbox.send('POST', path, undefined, headers(refreshed.accessToken));
    expect(resultOf(joined)).toEqual({ InstanceName: expect.any(String) });
  });

  test('the app gives up at a 405', async () => {
    const sandbox = await openSandbox();
    const { accessToken } = sessionOf(await sandbox.create({}));
    const reply = await sandbox.send('POST', '/v1/Management/users', {}, { ...KEYS, ...bearer(accessToken) });
    expect(reply.status).toBe(405);
  });
});

describe('apps in Dart', () => {
  const accept = { accept: 'application/json' };

  test('create without CreateAccessToken and read the tokens that come', async () => {
    const sandbox = await openSandbox();
    const body = '{"FirstName":"Ada","LastName":"Lovelace","Email":"ada@example.com"}';
    sessionOf(await sandbox.create(body, { ...accept, ...JSON_UTF8 }));
    await sandbox.patchModes({ accessTokenByDefault: false });
    const without = await sandbox.create(body, { ...accept, ...JSON_UTF8 });
    expect(at(without.body, 'Result', 'AccessToken')).toBeNull();
  });

  test.each([
    ['an object', (fields: object) => fields],
    ['a JSON string', (fields: object) => JSON.stringify(fields)],
  ])('log in with the Devicetoken in %s', async (_what, encode) => {
    const sandbox = await openSandbox();
    const { deviceToken } = sessionOf(await sandbox.create({}));
    const body = { LoginFields: encode({ Devicetoken: deviceToken }), Password: instanceKey };
    const reply = await sandbox.send('POST', '/v1/Auth/Login', body, { ...accept, InstanceId: instanceId });
    const session = sessionOf(reply);
    expect(session.deviceToken).toBe(deviceToken);

    const tokens = { AccessToken: session.accessToken, RefreshToken: session.refreshToken };
    sessionOf(await sandbox.send('POST', '/v1/Auth/RefreshToken', tokens, accept));
  });
});

test('a widget in a browser that has the token of the admin lists and counts the users of an application', async () => {
  const sandbox = await openSandbox();
  await sandbox.create({ FirstName: 'Ada' });
  const LoginFields = JSON.stringify({ email: adminEmail });
  const login = await sandbox.send('POST', '/v1/Auth/Login', { LoginFields, Password: adminPassword });
  const admin = bearer(sessionOf(login).accessToken);
  const send = (path: string, body: object) =>
    sandbox.send('POST', `/v1/Management/users/${path}`, body, admin);
  const all = resultOf(
    await send('GetFilteredPage', { PageNumber: 1, PageSize: 20, IncludeAccountInfo: true }),
  );
  const application = at(all, 'Users', 0, 'AccountInfo', 'ApplicationId');
  const ApplicationIds = [String(application).toUpperCase()];
  const page = { ApplicationIds, PageNumber: 1, PageSize: 20, IncludeAccountInfo: true };
  expect(resultOf(await send('GetFilteredPage', page))).toMatchObject({
    TotalUsers: 1,
    Users: [{ AccountInfo: { CompanyName: expect.any(String), ApplicationName: expect.any(String) } }],
  });
  const counted = await send('count', { Identifiers: { ApplicationIds }, IsEnabled: true });
  expect(at(counted.body, 'Result')).toBe(1);
});
