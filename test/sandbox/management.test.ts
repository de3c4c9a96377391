import { describe, expect, test } from 'vitest';
import {
  OTHER_TOKEN,
  TOKEN,
  UUID,
  at,
  instanceId,
  instanceKey,
  openSandbox,
  stoppedClock,
} from './caller.ts';

const ADA = {
  CustomToken: TOKEN,
  FirstName: 'Ada',
  LastName: 'Lovelace',
  Email: 'ada@example.com',
  Phone: '+1',
  UserFields: { ClientId: 'ada-1' },
};
const DONE = { Status: 200, Title: '', Errors: [] };

async function openWithAda(options: Parameters<typeof openSandbox>[0] = {}) {
  const sandbox = await openSandbox(options);
  await sandbox.create(ADA);
  await sandbox.becomeAdmin();
  return sandbox;
}

test('find answers an array of users, UserFields an array of one object', async () => {
  const clock = stoppedClock();
  const sandbox = await openWithAda({ clock: clock.read });
  const { body } = await sandbox.find({ DeviceToken: TOKEN.toUpperCase() });
  expect(body).toEqual({
    ...DONE,
    Result: [
      {
        DeviceToken: TOKEN,
        DateCreated: '2030-01-01T00:00:00.0000000',
        Status: 'Active',
        ActivityStatus: 'No Data',
        UserProfile: {
          FirstName: 'Ada',
          LastName: 'Lovelace',
          Nickname: null,
          Phone: '+1',
          Email: 'ada@example.com',
          Gender: 'None',
          Birthday: null,
          MaritalStatus: null,
          ChildrenCount: null,
          Country: null,
          District: null,
          City: null,
          Address: null,
          ImageUrl: expect.stringMatching(/^https:/),
          ExternalImageUrl: null,
        },
        MobileDevice: {
          MobileUid: null,
          DeviceModel: null,
          OsType: null,
          OsVersion: null,
          SdkVersion: null,
          AppVersion: null,
          VirtualImei: null,
        },
        AccountInfo: {
          CompanyId: expect.stringMatching(UUID),
          CompanyName: null,
          ApplicationId: expect.stringMatching(UUID),
          ApplicationName: null,
          InstanceId: instanceId,
          InstanceName: null,
        },
        UserWallets: [],
        IdentityId: null,
        IdentityProvider: null,
        UserFields: [
          {
            ClientId: 'ada-1',
            EnableTracking: true,
            EnableLogging: false,
            EnableRealTimeLocation: false,
            Enabled: true,
          },
        ],
      },
    ],
  });
});

test('find answers 200 and an empty array where nobody matches', async () => {
  const sandbox = await openWithAda();
  const reply = await sandbox.find({ DeviceToken: OTHER_TOKEN });
  expect(reply.status).toBe(200);
  expect(reply.body).toEqual({ ...DONE, Result: [] });
});

test.each([
  [{ DeviceToken: TOKEN }],
  [{ ClientId: 'ada-1' }],
  [{ Email: 'ada@example.com' }],
  [{ Phone: '+1' }],
  [{ FirstName: 'Ada' }],
  [{ LastName: 'Lovelace' }],
  [{ FullName: 'Ada Lovelace' }],
  [{ deviceToken: TOKEN, clientId: 'ada-1', email: 'ada@example.com' }],
])('find by %o finds her and nobody else', async (query) => {
  const sandbox = await openWithAda();
  await sandbox.create({ CustomToken: OTHER_TOKEN, FirstName: 'Alan', UserFields: { ClientId: 'alan-1' } });
  expect(at((await sandbox.find(query)).body, 'Result')).toMatchObject([{ DeviceToken: TOKEN }]);
});

test.each([
  [{ DeviceToken: TOKEN, ClientId: 'alan-1' }],
  [{ ClientId: 'ada-1', Email: 'alan@example.com' }],
  [{ FirstName: 'Ada', LastName: 'Turing' }],
])('find by %o finds nobody: every filter must match', async (query) => {
  const sandbox = await openWithAda();
  expect(at((await sandbox.find(query)).body, 'Result')).toEqual([]);
});

test('find by ClientId finds every user that bears it, in the order of creation', async () => {
  const sandbox = await openWithAda();
  await sandbox.create({ CustomToken: OTHER_TOKEN, UserFields: { ClientId: 'ada-1' } });
  expect(at((await sandbox.find({ ClientId: 'ada-1' })).body, 'Result')).toMatchObject([
    { DeviceToken: TOKEN },
    { DeviceToken: OTHER_TOKEN },
  ]);
});

test('find follows a user from one ClientId to another, and back', async () => {
  const sandbox = await openWithAda();
  const foundBy = async (clientId: string) => at((await sandbox.find({ ClientId: clientId })).body, 'Result');
  await sandbox.update(TOKEN, { UserFields: { ClientId: 'ada-2' } });
  expect(await foundBy('ada-1')).toEqual([]);
  expect(await foundBy('ada-2')).toMatchObject([{ DeviceToken: TOKEN }]);
  await sandbox.update(TOKEN, { UserFields: { ClientId: 'ada-1' } });
  expect(await foundBy('ada-1')).toMatchObject([{ DeviceToken: TOKEN }]);
  expect(await foundBy('ada-2')).toEqual([]);
});

test('an inactive user is found only with ShowInactiveUsers', async () => {
  const sandbox = await openWithAda();
  await sandbox.update(TOKEN, { Status: 'Deactivated' });
  expect(at((await sandbox.find({ DeviceToken: TOKEN })).body, 'Result')).toEqual([]);
  const reply = await sandbox.find({ DeviceToken: TOKEN, ShowInactiveUsers: 'true' });
  expect(at(reply.body, 'Result')).toMatchObject([{ DeviceToken: TOKEN, Status: 'Inactive' }]);
  await sandbox.update(TOKEN, { Status: 'Active' });
  expect(at((await sandbox.find({ DeviceToken: TOKEN })).body, 'Result')).toHaveLength(1);
});

test('IncludeAccountInfo fills in the names of the account', async () => {
  const sandbox = await openWithAda();
  const { body } = await sandbox.find({ DeviceToken: TOKEN, IncludeAccountInfo: 'true' });
  const name: unknown = expect.stringMatching(/./);
  const names = { CompanyName: name, ApplicationName: name, InstanceName: name };
  expect(at(body, 'Result', 0, 'AccountInfo')).toMatchObject(names);
});

test.each([[{}], [{ ClientId: '' }], [{ ShowInactiveUsers: 'true' }], [{ DeviceToken: 'ada' }]])(
  'find by %o is refused: no filter, or no UUID',
  async (query) => {
    const sandbox = await openWithAda();
    expect((await sandbox.find(query)).status).toBe(422);
  },
);

test('an update changes what it gives and nothing else, and answers no user data', async () => {
  const sandbox = await openWithAda();
  const reply = await sandbox.update(TOKEN, {
    Phone: '+2',
    ChildrenCount: 2,
    City: 'London',
    UserFields: { EnableLogging: true },
  });
  expect(reply.status).toBe(200);
  expect(reply.body).toEqual(DONE);
  expect(at((await sandbox.find({ DeviceToken: TOKEN })).body, 'Result')).toMatchObject([
    {
      UserProfile: {
        FirstName: 'Ada',
        Email: 'ada@example.com',
        Phone: '+2',
        ChildrenCount: 2,
        City: 'London',
      },
      UserFields: [{ ClientId: 'ada-1', EnableLogging: true, EnableTracking: true }],
    },
  ]);
});

test.each(['application/json', 'application/json-patch+json', 'application/json; charset=utf-8'])(
  'an update may be sent as %s',
  async (contentType) => {
    const sandbox = await openWithAda();
    const reply = await sandbox.update(TOKEN, { FirstName: 'Augusta' }, { 'Content-Type': contentType });
    expect(reply.status).toBe(200);
    expect(await sandbox.users()).toMatchObject([{ firstName: 'Augusta' }]);
  },
);

test('null clears a field, and the empty text stays a text', async () => {
  const sandbox = await openWithAda();
  await sandbox.update(TOKEN, { Phone: null, Email: '', UserFields: { ClientId: null } });
  expect(await sandbox.users()).toMatchObject([{ phone: null, email: '', clientId: null, firstName: 'Ada' }]);
});

test('an update without the header UserDeviceToken is a 422', async () => {
  const sandbox = await openWithAda();
  const reply = await sandbox.update('', { FirstName: 'Augusta' });
  expect(reply.status).toBe(422);
  expect(at(reply.body, 'Errors')).toMatchObject([{ Key: 'UserDeviceToken' }]);
});

test('an update of an unknown or deleted user is a 404', async () => {
  const sandbox = await openWithAda();
  expect((await sandbox.update(OTHER_TOKEN, { FirstName: 'x' })).status).toBe(404);
  await sandbox.delete(TOKEN);
  expect((await sandbox.update(TOKEN, { FirstName: 'x' })).status).toBe(404);
  expect(await sandbox.users()).toMatchObject([{ firstName: 'Ada' }]);
});

test.each([
  [{ Status: 1 }, 'Status'],
  [{ Status: 'Sleeping' }, 'Status'],
  [{ ChildrenCount: 'two' }, 'ChildrenCount'],
  [{ City: {} }, 'City'],
])('an update with %o is a 422 and changes nothing', async (body, key) => {
  const sandbox = await openWithAda();
  const reply = await sandbox.update(TOKEN, { FirstName: 'Augusta', ...body });
  expect(reply.status).toBe(422);
  expect(at(reply.body, 'Errors')).toMatchObject([{ Key: key }]);
  expect(await sandbox.users()).toMatchObject([{ firstName: 'Ada', status: 'Active' }]);
});

test('an RFC 6902 patch is no update', async () => {
  const sandbox = await openWithAda();
  const patch = [{ op: 'replace', path: '/FirstName', value: 'Augusta' }];
  expect((await sandbox.update(TOKEN, patch)).status).toBe(400);
});

test('a deleted user is gone for every find, and kept in the overview with the time of deletion', async () => {
  const clock = stoppedClock();
  const sandbox = await openWithAda({ clock: clock.read });
  clock.advance(1000);
  const reply = await sandbox.delete(TOKEN.toUpperCase());
  expect(reply.status).toBe(200);
  expect(reply.body).toEqual(DONE);
  const query = { DeviceToken: TOKEN, ShowInactiveUsers: 'true' };
  expect(at((await sandbox.find(query)).body, 'Result')).toEqual([]);
  expect(await sandbox.users()).toMatchObject([
    { deviceToken: TOKEN, createdAt: '2030-01-01T00:00:00.000Z', deletedAt: '2030-01-01T00:00:01.000Z' },
  ]);
});

test('a user moves to another instance whose key is given', async () => {
  const instances = [
    { id: instanceId, key: instanceKey },
    { id: OTHER_TOKEN, key: 'other-key' },
  ];
  const sandbox = await openWithAda({ instances });
  const wrongKey = { DeviceToken: TOKEN, ToInstanceId: OTHER_TOKEN, ToInstanceKey: 'x' };
  expect((await sandbox.move(wrongKey)).status).toBe(422);
  expect(await sandbox.users()).toMatchObject([{ instanceId }]);

  const reply = await sandbox.move({ ...wrongKey, ToInstanceKey: 'other-key' });
  expect(reply.body).toEqual(DONE);
  expect(await sandbox.users()).toMatchObject([{ instanceId: OTHER_TOKEN }]);

  expect((await sandbox.move({ ...wrongKey, DeviceToken: OTHER_TOKEN })).status).toBe(404);
});

describe('repeatedMove: a move to the instance that the user is in already', () => {
  const move = { DeviceToken: TOKEN, ToInstanceId: instanceId, ToInstanceKey: instanceKey };

  test('is done and changes nothing', async () => {
    const sandbox = await openWithAda();
    expect((await sandbox.move(move)).body).toEqual(DONE);
    expect(await sandbox.users()).toMatchObject([{ instanceId }]);
  });

  test.each(['409', '422', '400', '403'] as const)('is a %s', async (repeatedMove) => {
    const sandbox = await openWithAda({ modes: { repeatedMove } });
    const reply = await sandbox.move(move);
    expect(reply.status).toBe(Number(repeatedMove));
    expect(reply.body).toMatchObject({ Errors: [{ Key: 'ToInstanceId' }] });
  });
});
