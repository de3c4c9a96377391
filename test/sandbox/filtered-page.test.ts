import { expect, test } from 'vitest';
import { OTHER_TOKEN, at, instanceId, instanceKey, openSandbox, stoppedClock } from './caller.ts';

const OTHER_INSTANCE = { id: OTHER_TOKEN, key: 'other-key' };

/** Users 1 to 5 in the order of creation; 5 is of the other instance. */
async function openWithFive() {
  const clock = stoppedClock();
  const sandbox = await openSandbox({
    clock: clock.read,
    instances: [{ id: instanceId, key: instanceKey }, OTHER_INSTANCE],
  });
  for (const name of ['1', '2', '3', '4']) await sandbox.create({ CustomToken: token(name) });
  const headers = { InstanceId: OTHER_INSTANCE.id, InstanceKey: OTHER_INSTANCE.key };
  await sandbox.create({ CustomToken: token('5') }, headers);
  await sandbox.becomeAdmin();
  return sandbox;
}

const token = (name: string) => `00000000-0000-4000-8000-00000000000${name}`;

/** The last digits of the tokens on a page. */
function names(body: unknown): string {
  const users = at(body, 'Result', 'Users');
  if (!Array.isArray(users)) throw new TypeError(`No page: ${JSON.stringify(body)}`);
  return users.map((user) => String(at(user, 'DeviceToken')).slice(-1)).join('');
}

test('pages go from the newest user to the oldest and tell where they stand', async () => {
  const sandbox = await openWithFive();
  const first = (await sandbox.page({ PageNumber: 1, PageSize: 2 })).body;
  expect(names(first)).toBe('54');
  expect(at(first, 'Result')).toMatchObject({
    HasPreviousPage: false,
    HasNextPage: true,
    TotalUsers: 5,
    TotalPages: 3,
    CurrentPage: 1,
  });
  const last = (await sandbox.page({ PageNumber: 3, PageSize: 2 })).body;
  expect(names(last)).toBe('1');
  expect(at(last, 'Result')).toMatchObject({ HasPreviousPage: true, HasNextPage: false, CurrentPage: 3 });
});

test('a page beyond the last one is empty', async () => {
  const sandbox = await openWithFive();
  expect(names((await sandbox.page({ PageNumber: 9, PageSize: 2 })).body)).toBe('');
});

test('a page shows users as find does', async () => {
  const sandbox = await openWithFive();
  const { body } = await sandbox.page({ PageNumber: 1, PageSize: 1, IncludeAccountInfo: true });
  const found = await sandbox.find({ DeviceToken: token('5'), IncludeAccountInfo: 'true' });
  expect(at(body, 'Result', 'Users', 0)).toEqual(at(found.body, 'Result', 0));
});

test('InstanceIds keep only the users of those instances', async () => {
  const sandbox = await openWithFive();
  expect(names((await sandbox.page({ InstanceIds: [OTHER_INSTANCE.id.toUpperCase()] })).body)).toBe('5');
  expect(names((await sandbox.page({ InstanceIds: [] })).body)).toBe('54321');
});

test('deleted users are on no page, inactive ones only where asked for', async () => {
  const sandbox = await openWithFive();
  await sandbox.delete(token('1'));
  await sandbox.update(token('2'), { Status: 'Deactivated' });
  expect(names((await sandbox.page({})).body)).toBe('543');
  expect(names((await sandbox.page({ ShowInactiveUsers: true })).body)).toBe('5432');
});
