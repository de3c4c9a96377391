/**
 * Every filter of find, of the filtered page and of the count is honoured, or refused by its name.
 */
import { describe, expect, test } from 'vitest';
import { type Caller, UUID, at, instanceId, instanceKey, openSandbox, stoppedClock } from './caller.ts';

const US = { id: 'cccccccc-cccc-4ccc-8ccc-cccccccccccc', key: 'us-key' };
const DAY_MS = 86_400_000;
const token = (name: string) => `00000000-0000-4000-8000-00000000000${name}`;

/** Three users, one a day from 2030-01-01: 1 Ada of GB, 2 Alan of GB, 3 Grace of the US and of the other instance. */
async function openWithThree() {
  const clock = stoppedClock();
  const instances = [{ id: instanceId, key: instanceKey }, US];
  const sandbox = await openSandbox({ clock: clock.read, instances });
  const inUs = { InstanceId: US.id, InstanceKey: US.key };
  const ada = {
    FirstName: 'Ada',
    Email: 'ada@example.com',
    ChildrenCount: 3,
    UserFields: { ClientId: 'c-17' },
  };
  await sandbox.create({ CustomToken: token('1'), ...ada });
  clock.advance(DAY_MS);
  await sandbox.create({ CustomToken: token('2'), FirstName: 'Alan', Nickname: 'Prof' });
  clock.advance(DAY_MS);
  const grace = { FirstName: 'Grace', Phone: '+1555', ChildrenCount: 0 };
  await sandbox.create({ CustomToken: token('3'), ...grace }, inUs);
  await sandbox.becomeAdmin();
  const tracking = { EnableRealTimeLocation: true, EnableTracking: false };
  await sandbox.update(token('1'), { Country: 'GB', City: 'London', UserFields: tracking });
  await sandbox.update(token('2'), { Country: 'GB', City: 'Wilmslow', UserFields: { Enabled: false } });
  await sandbox.update(token('3'), { Country: 'US' });
  return sandbox;
}

/** The last digits of the tokens found, in their order. */
function names(users: unknown): string {
  if (!Array.isArray(users)) throw new TypeError(`No users: ${JSON.stringify(users)}`);
  return users.map((user) => String(at(user, 'DeviceToken')).slice(-1)).join('');
}

async function paged(sandbox: Caller, body: object): Promise<string> {
  return names(at((await sandbox.page(body)).body, 'Result', 'Users'));
}

/** The ids of the company and the application, as reads show them. */
async function idsOf(sandbox: Caller) {
  const account = at((await sandbox.page({})).body, 'Result', 'Users', 0, 'AccountInfo');
  return { company: String(at(account, 'CompanyId')), application: String(at(account, 'ApplicationId')) };
}

describe('find', () => {
  test.each([
    [{ Country: 'GB' }, '12'],
    [{ Country: 'GB', FirstName: 'Alan' }, '2'],
    [{ Country: 'gb' }, ''],
    [{ OsType: 'Android' }, ''],
    [{ OsType: 'iOS', Country: 'GB' }, ''],
  ])('by %o finds %j', async (query, found) => {
    const sandbox = await openWithThree();
    expect(names(at((await sandbox.find(query)).body, 'Result'))).toBe(found);
  });

  test.each([
    [{ Nickname: 'Prof' }, 'nickname'],
    [{ ClientID: 'c-17', City: 'London' }, 'city'],
    [{ constructor: 'x', Email: 'ada@example.com' }, 'constructor'],
    [{ Country: 'GB', ShowInactiveUsers: 'yes' }, 'showinactiveusers'],
  ])('by %o is a 422 that names %s', async (query, key) => {
    const sandbox = await openWithThree();
    const reply = await sandbox.find(query);
    expect(reply.status).toBe(422);
    expect(at(reply.body, 'Errors')).toMatchObject([{ Key: key }]);
  });
});

describe('the page', () => {
  test.each([
    [{ InstanceIds: [US.id] }, '3'],
    [{ InstanceIds: [US.id, instanceId] }, '321'],
    [{ Country: 'GB' }, '21'],
    [{ City: 'London' }, '1'],
    [{ Country: 'US', City: 'London' }, ''],
    [{ RtdEnabled: true }, '1'],
    [{ RtdEnabled: false }, '32'],
    [{ ActivityStatuses: ['NoData'] }, '321'],
    [{ ActivityStatuses: ['Active', 'Inactive', 'Lost', 'Error'] }, ''],
    [{ DateCreatedFrom: '2030-01-02' }, '32'],
    [{ DateCreatedFrom: '2030-01-02T00:00:00.0000000' }, '32'],
    [{ DateCreatedFrom: '2030-01-02T00:00:01Z' }, '3'],
    [{ DateCreatedTo: '2030-01-02T01:00:00+01:00' }, '21'],
    [{ DateCreatedFrom: '2030-01-02', DateCreatedTo: '2030-01-02' }, '2'],
    [{ SearchTerm: 'ada' }, '1'],
    [{ SearchTerm: 'EXAMPLE.com' }, '1'],
    [{ SearchTerm: 'C-17' }, '1'],
    [{ SearchTerm: 'prof' }, '2'],
    [{ SearchTerm: '+155' }, '3'],
    [{ SearchTerm: token('2') }, '2'],
    [{ SearchTerm: 'a' }, '321'],
    [{ SearchTerm: 'London' }, ''],
  ])('of %o has %j', async (body, found) => {
    expect(await paged(await openWithThree(), body)).toBe(found);
  });

  test('of a company or an application has its users, and of another one none', async () => {
    const sandbox = await openWithThree();
    const { company, application } = await idsOf(sandbox);
    expect(company).toMatch(UUID);
    expect(company).not.toBe(application);
    expect(await paged(sandbox, { CompanyIds: [company.toUpperCase()] })).toBe('321');
    expect(await paged(sandbox, { ApplicationIds: [application, US.id] })).toBe('321');
    expect(await paged(sandbox, { CompanyIds: [application] })).toBe('');
    expect(await paged(sandbox, { ApplicationIds: [US.id] })).toBe('');
  });

  test('of filters that are null or empty has every user', async () => {
    const sandbox = await openWithThree();
    const lists = { CompanyIds: [], ApplicationIds: null, InstanceIds: null, ActivityStatuses: null };
    const texts = { SearchTerm: '', Country: null, City: '', DateCreatedFrom: null, DateCreatedTo: null };
    expect(await paged(sandbox, { ...lists, ...texts, RtdEnabled: null })).toBe('321');
  });

  test.each([
    ['DateCreated', '123'],
    ['DateCreatedDesc', '321'],
    ['DeviceTokenDesc', '321'],
    ['FirstName', '123'],
    ['FirstNameDesc', '321'],
    ['Nickname', '132'],
    ['NicknameDesc', '231'],
    ['Phone', '123'],
    ['ChildrenCount', '231'],
    ['ChildrenCountDesc', '132'],
    ['City', '312'],
    ['CountryDesc', '321'],
    ['ActivityStatus', '123'],
  ])('sorted by %s is %s', async (Sort, order) => {
    expect(await paged(await openWithThree(), { Sort })).toBe(order);
  });

  test.each([
    ['PageNumber', 0],
    ['PageNumber', null],
    ['PageSize', 'all'],
    ['PageSize', 1.5],
    ['Sort', 'Id'],
    ['Sort', 'constructor'],
    ['InstanceIds', 'all'],
    ['InstanceIds.1', [US.id, 'us']],
    ['CompanyIds.0', [1]],
    ['ActivityStatuses.0', ['No Data']],
    ['DateCreatedFrom', '01.02.2030'],
    ['DateCreatedTo', '2030-13-01'],
    ['Country', 1],
    ['RtdEnabled', 'true'],
    ['ShowInactiveUsers', 1],
    ['ActivityStatus', 'NoData'],
    ['Filters', [{ Name: 'InstanceId', Value: US.id }]],
    ['Pagination', { Page: 1, PageSize: 50 }],
  ])('is a 422 that names %s for %j', async (key, value) => {
    const sandbox = await openWithThree();
    const reply = await sandbox.page({ [key.split('.')[0] ?? '']: value });
    expect(reply.status).toBe(422);
    expect(at(reply.body, 'Errors')).toMatchObject([{ Key: key }]);
  });
});

describe('the count', () => {
  const counted = async (sandbox: Caller, body: object) => at((await sandbox.count(body)).body, 'Result');

  test.each([
    [{}, 3],
    [{ Identifiers: { InstanceIds: [US.id] } }, 1],
    [{ Identifiers: { CompanyIds: [US.id] } }, 0],
    [{ IsEnabled: true }, 2],
    [{ IsEnabled: false }, 1],
    [{ IsTrackingEnabled: false }, 1],
    [{ IsEnabled: true, IsTrackingEnabled: true, Identifiers: null }, 1],
  ])('of %o is %d', async (body, total) => {
    const sandbox = await openWithThree();
    expect(await counted(sandbox, body)).toBe(total);
    expect(await sandbox.requests()).toMatchObject({ 7: { operation: 'count', applied: false } });
  });

  test('of an application is that of its users', async () => {
    const sandbox = await openWithThree();
    const { application } = await idsOf(sandbox);
    expect(await counted(sandbox, { Identifiers: { ApplicationIds: [application] } })).toBe(3);
  });

  test.each(['Count', 'TotalUsers', 'Total'] as const)(
    'countForm %s puts it into an object',
    async (form) => {
      const sandbox = await openWithThree();
      await sandbox.patchModes({ countForm: form });
      expect(await counted(sandbox, {})).toEqual({ [form]: 3 });
    },
  );

  test.each([
    [{ InstanceIds: [US.id] }, 'InstanceIds'],
    [{ Identifiers: { Country: 'GB' } }, 'Identifiers.Country'],
    [{ IsEnabled: 'yes' }, 'IsEnabled'],
  ])('of %o is a 422 that names %s', async (body, key) => {
    const sandbox = await openWithThree();
    const reply = await sandbox.count(body);
    expect(reply.body).toMatchObject({ Status: 422, Errors: [{ Key: key }] });
  });
});
