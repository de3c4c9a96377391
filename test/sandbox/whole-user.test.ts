/**
 * All that can be written of a user, and how it is read.
 */
import { describe, expect, test } from 'vitest';
import { type Caller, TOKEN, at, openSandbox } from './caller.ts';

/** What a create takes of a profile. */
const CREATED = {
  FirstName: 'Ada',
  LastName: 'Lovelace',
  Nickname: 'al',
  Phone: '+1',
  Email: 'a@b.c',
  Gender: 'Female',
  Birthday: '1815-12-10',
  MaritalStatus: '1',
  ChildrenCount: 3,
  Address: 'St James’s Square 12',
};
/** What only an update takes. */
const UPDATED = {
  Country: 'GB',
  District: 'London',
  City: 'Westminster',
  ExternalImageUrl: 'https://example.com/ada.png',
};
const SETTINGS = { EnableTracking: false, EnableLogging: true, EnableRealTimeLocation: true, Enabled: false };

async function openWithAdmin(options: Parameters<typeof openSandbox>[0] = {}) {
  const sandbox = await openSandbox(options);
  await sandbox.becomeAdmin();
  return sandbox;
}

async function read(sandbox: Caller): Promise<unknown> {
  const query = { DeviceToken: TOKEN, ShowInactiveUsers: 'true' };
  return at((await sandbox.find(query)).body, 'Result', 0);
}

async function profileOf(sandbox: Caller): Promise<unknown> {
  return at(await read(sandbox), 'UserProfile');
}

test('a create takes ten profile fields and the settings, and ignores what only an update takes', async () => {
  const sandbox = await openWithAdmin({ modes: { birthdayForm: 'as-given' } });
  const body = { CustomToken: TOKEN, ...CREATED, ...UPDATED, Status: 'Deactivated', UserFields: SETTINGS };
  expect((await sandbox.create(body)).status).toBe(200);
  const nothing = { Country: null, District: null, City: null, ExternalImageUrl: null };
  expect(await read(sandbox)).toMatchObject({
    Status: 'Active',
    UserProfile: { ...CREATED, ...nothing },
    UserFields: [{ ClientId: null, ...SETTINGS }],
  });
});

test('createIgnores names what a create ignores, settings too, and an update still takes it', async () => {
  const createIgnores = ['Gender', 'EnableLogging'];
  const sandbox = await openWithAdmin({ modes: { createIgnores } });
  const body = { Gender: 'Female', Country: 'GB', UserFields: SETTINGS };
  await sandbox.create({ CustomToken: TOKEN, ...body });
  expect(await read(sandbox)).toMatchObject({
    UserProfile: { Gender: 'None', Country: 'GB' },
    UserFields: [{ ...SETTINGS, EnableLogging: false }],
  });
  await sandbox.update(TOKEN, body);
  expect(await read(sandbox)).toMatchObject({ UserProfile: { Gender: 'Female' }, UserFields: [SETTINGS] });
});

test('hiddenFields are left out wherever a user is read', async () => {
  const sandbox = await openWithAdmin({
    modes: { hiddenFields: ['Status', 'InstanceId', 'City', 'Enabled'] },
  });
  await sandbox.create({ CustomToken: TOKEN });
  const found = await read(sandbox);
  const paged = at((await sandbox.page({})).body, 'Result', 'Users', 0);
  for (const user of [found, paged]) {
    expect(user).not.toHaveProperty('Status');
    expect(user).not.toHaveProperty('AccountInfo.InstanceId');
    expect(user).not.toHaveProperty('UserProfile.City');
    expect(at(user, 'UserFields')).toEqual([
      { ClientId: null, EnableTracking: true, EnableLogging: false, EnableRealTimeLocation: false },
    ]);
    expect(user).toMatchObject({ DeviceToken: TOKEN, UserProfile: { Country: null } });
  }
});

test('a name that is no field is refused in both modes', async () => {
  const sandbox = await openWithAdmin();
  for (const mode of ['createIgnores', 'hiddenFields']) {
    const reply = await sandbox.patchModes({ [mode]: ['City', 'Town'] });
    expect(reply.status).toBeGreaterThanOrEqual(400);
    expect(reply.text).toContain(`${mode}.1: Expected the name of a field`);
  }
});

test('an update takes every field, and the page shows them as find does', async () => {
  const sandbox = await openWithAdmin({ modes: { birthdayForm: 'as-given' } });
  await sandbox.create({ CustomToken: TOKEN });
  const UserFields = { ClientId: 'ada-1', ...SETTINGS };
  const reply = await sandbox.update(TOKEN, { ...CREATED, ...UPDATED, Status: 'Deactivated', UserFields });
  expect(reply.status).toBe(200);
  const user = await read(sandbox);
  expect(user).toMatchObject({
    Status: 'Inactive',
    UserProfile: { ...CREATED, ...UPDATED },
    UserFields: [UserFields],
  });
  expect(at((await sandbox.page({ ShowInactiveUsers: true })).body, 'Result', 'Users')).toEqual([user]);
});

test('an update of one setting leaves the others, and null leaves it alone', async () => {
  const sandbox = await openWithAdmin();
  await sandbox.create({ CustomToken: TOKEN, UserFields: { ClientId: 'ada-1' } });
  await sandbox.update(TOKEN, { UserFields: { Enabled: false, EnableTracking: null } });
  expect(at(await read(sandbox), 'UserFields')).toEqual([
    {
      ClientId: 'ada-1',
      EnableTracking: true,
      EnableLogging: false,
      EnableRealTimeLocation: false,
      Enabled: false,
    },
  ]);
});

test('the overview shows of the newer fields those that were written, as they were written', async () => {
  const sandbox = await openWithAdmin();
  await sandbox.create({ CustomToken: TOKEN, Birthday: '1815-12-10', UserFields: { Enabled: false } });
  await sandbox.update(TOKEN, { Country: 'GB', Gender: null });
  const [user] = (await sandbox.users()) as object[];
  expect(user).toMatchObject({ birthday: '1815-12-10', country: 'GB', gender: null, enabled: false });
  for (const name of ['city', 'maritalStatus', 'childrenCount', 'externalImageUrl', 'enableTracking']) {
    expect(user).not.toHaveProperty(name);
  }
});

describe('Status', () => {
  test.each([
    ['Active', 'Active'],
    ['Deactivated', 'Inactive'],
    ['Deleted', 'Inactive'],
  ])('written as %s reads as %s', async (written, shown) => {
    const sandbox = await openWithAdmin();
    await sandbox.create({ CustomToken: TOKEN });
    await sandbox.update(TOKEN, { Status: written });
    expect(await read(sandbox)).toMatchObject({ Status: shown });
    expect(await sandbox.users()).toMatchObject([{ status: shown, deletedAt: null }]);
  });

  test('a user that is not Active is on no page, in no find and in no count unless asked for', async () => {
    const sandbox = await openWithAdmin();
    await sandbox.create({ CustomToken: TOKEN, Email: 'a@b.c' });
    await sandbox.update(TOKEN, { Status: 'Deactivated' });
    const seen = async (isShown: boolean) => {
      const found = await sandbox.find({ Email: 'a@b.c', ShowInactiveUsers: String(isShown) });
      const paged = await sandbox.page({ ShowInactiveUsers: isShown });
      const counted = await sandbox.count({ IncludeDeactivated: isShown });
      return {
        find: (at(found.body, 'Result') as unknown[]).length,
        page: at(paged.body, 'Result', 'TotalUsers'),
        count: at(counted.body, 'Result'),
      };
    };
    expect(await seen(false)).toEqual({ find: 0, page: 0, count: 0 });
    expect(await seen(true)).toEqual({ find: 1, page: 1, count: 1 });
  });
});

describe('unknownValues: values outside the documented ones', () => {
  const ODD = { Gender: 'Robot', Birthday: 'soon', MaritalStatus: 'null' };

  test('are kept as they are', async () => {
    const sandbox = await openWithAdmin();
    expect((await sandbox.create({ CustomToken: TOKEN, ...ODD })).status).toBe(200);
    expect(await profileOf(sandbox)).toMatchObject(ODD);
    const other = { Gender: 'robot', MaritalStatus: '5', Birthday: '' };
    expect((await sandbox.update(TOKEN, other)).status).toBe(200);
    expect(await profileOf(sandbox)).toMatchObject(other);
  });

  test('422 names every one of them, and changes nothing', async () => {
    const sandbox = await openWithAdmin({ modes: { unknownValues: '422' } });
    const refused = await sandbox.create({ CustomToken: TOKEN, ...ODD });
    expect(refused.status).toBe(422);
    expect(refused.body).toMatchObject({ Errors: Object.keys(ODD).map((Key) => ({ Key })) });
    expect((await sandbox.create({ CustomToken: TOKEN, ...CREATED })).status).toBe(200);
    expect((await sandbox.update(TOKEN, { FirstName: 'Augusta', ...ODD })).status).toBe(422);
    expect((await sandbox.update(TOKEN, { Gender: null, MaritalStatus: '', Birthday: null })).status).toBe(
      200,
    );
    expect(await sandbox.users()).toMatchObject([{ firstName: 'Ada', gender: null, maritalStatus: '' }]);
  });

  test.each(['kept', '422'] as const)('%s: an unknown Status is refused', async (unknownValues) => {
    const sandbox = await openWithAdmin({ modes: { unknownValues } });
    await sandbox.create({ CustomToken: TOKEN });
    expect((await sandbox.update(TOKEN, { Status: 'Sleeping' })).status).toBe(422);
  });
});

describe('birthdayForm: how a Birthday is read', () => {
  test.each([
    ['1815-12-10', '1815-12-10T00:00:00'],
    ['1815-12-10T00:00:00', '1815-12-10T00:00:00'],
    ['1815-12-10T00:00:00.000Z', '1815-12-10T00:00:00'],
    ['1815-12-10T02:00:00+02:00', '1815-12-10T00:00:00'],
    ['10.12.1815', '10.12.1815'],
  ])('%s is the time %s, and as-given stays as it is', async (given, shown) => {
    const sandbox = await openWithAdmin();
    await sandbox.create({ CustomToken: TOKEN, Birthday: given });
    expect(at(await profileOf(sandbox), 'Birthday')).toBe(shown);
    await sandbox.patchModes({ birthdayForm: 'as-given' });
    expect(at(await profileOf(sandbox), 'Birthday')).toBe(given);
  });
});

describe('ChildrenCount', () => {
  test.each([
    [2, 2],
    ['2', 2],
    [0, 0],
    ['', null],
    [null, null],
  ])('written as %j reads as %j', async (written, shown) => {
    const sandbox = await openWithAdmin();
    await sandbox.create({ CustomToken: TOKEN, ChildrenCount: 1 });
    expect((await sandbox.update(TOKEN, { ChildrenCount: written })).status).toBe(200);
    expect(at(await profileOf(sandbox), 'ChildrenCount')).toBe(shown);
  });
});

test('a cleared field reads as if it had never been set', async () => {
  const sandbox = await openWithAdmin();
  await sandbox.create({ CustomToken: TOKEN, ...CREATED });
  const fresh = { ...CREATED, ...UPDATED };
  await sandbox.update(TOKEN, Object.fromEntries(Object.keys(fresh).map((name) => [name, null])));
  const cleared = await profileOf(sandbox);
  await sandbox.send('POST', '/_sandbox/reset');
  await sandbox.create({ CustomToken: TOKEN });
  expect(cleared).toEqual(await profileOf(sandbox));
});

test('clearing decides about every field, numbers too', async () => {
  const sandbox = await openWithAdmin({ modes: { clearing: { null: 'ignored', empty: 'ignored' } } });
  await sandbox.create({ CustomToken: TOKEN, ...CREATED });
  await sandbox.update(TOKEN, { Gender: null, Birthday: '', ChildrenCount: null, Address: '' });
  const { Gender, ChildrenCount, Address } = CREATED;
  expect(await profileOf(sandbox)).toMatchObject({ Gender, ChildrenCount, Address });
  await sandbox.patchModes({ clearing: { null: '422' } });
  const refused = await sandbox.update(TOKEN, { ChildrenCount: null });
  expect(refused.body).toMatchObject({ Status: 422, Errors: [{ Key: 'ChildrenCount' }] });
});

test('contactRequired: a create without email and phone is refused', async () => {
  const sandbox = await openWithAdmin({ modes: { contactRequired: true } });
  for (const body of [{}, { Email: '' }, { Email: null, Phone: '' }]) {
    const reply = await sandbox.create(body);
    expect(reply.body).toMatchObject({ Status: 422, Errors: [{ Key: 'Email' }] });
  }
  const faulty = await sandbox.create({ FirstName: 1, Email: 'a@b.c' });
  expect(at(faulty.body, 'Errors')).toEqual([expect.objectContaining({ Key: 'FirstName' })]);
  expect((await sandbox.create({ CustomToken: TOKEN, Phone: '+1' })).status).toBe(200);
  expect((await sandbox.create({ Email: 'a@b.c' })).status).toBe(200);
  expect((await sandbox.update(TOKEN, { Phone: null })).status).toBe(200);
});
