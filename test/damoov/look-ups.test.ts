import { expect, test } from 'vitest';
import { success } from './scripted-server.ts';
import { always, instance, jsonBody, startWorld, userId } from './world.ts';

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
