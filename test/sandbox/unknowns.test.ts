/**
 * The modes that choose among conflicting or unknown accounts of the API.
 */
import { describe, expect, test } from 'vitest';
import { TOKEN, UUID, at, deviceTokenOf, openSandbox } from './caller.ts';

describe('duplicateToken: a create whose CustomToken is taken', () => {
  test('same answers 200 with the token and leaves the user as it is', async () => {
    const sandbox = await openSandbox({ modes: { duplicateToken: 'same' } });
    await sandbox.create({ CustomToken: TOKEN, FirstName: 'Ada' });
    const reply = await sandbox.create({ CustomToken: TOKEN.toUpperCase(), FirstName: 'Alan' });
    expect(reply.status).toBe(200);
    expect(deviceTokenOf(reply)).toBe(TOKEN);
    expect(await sandbox.users()).toMatchObject([{ deviceToken: TOKEN, firstName: 'Ada' }]);
    expect(await sandbox.requests()).toMatchObject([{ applied: true }, { applied: false }]);
  });

  test.each(['409', '422', '400'] as const)('%s refuses, and makes no second user', async (status) => {
    const sandbox = await openSandbox({ modes: { duplicateToken: status } });
    await sandbox.create({ CustomToken: TOKEN });
    const reply = await sandbox.create({ CustomToken: TOKEN });
    expect(reply.status).toBe(Number(status));
    expect(reply.body).toMatchObject({ Status: Number(status), Errors: [{ Key: 'CustomToken' }] });
    expect(await sandbox.users()).toHaveLength(1);
  });

  test('second-user makes another user under another token', async () => {
    const sandbox = await openSandbox({ modes: { duplicateToken: 'second-user' } });
    await sandbox.create({ CustomToken: TOKEN });
    const second = deviceTokenOf(await sandbox.create({ CustomToken: TOKEN }));
    expect(second).toMatch(UUID);
    expect(second).not.toBe(TOKEN);
    expect(await sandbox.users()).toMatchObject([{ deviceToken: TOKEN }, { deviceToken: second }]);
  });

  test.each(['same', '409', '422', '400', 'second-user'] as const)(
    'under %s the token of a deleted user stays taken, and the user stays deleted',
    async (duplicateToken) => {
      const sandbox = await openSandbox({ modes: { duplicateToken } });
      await sandbox.create({ CustomToken: TOKEN });
      await sandbox.becomeAdmin();
      await sandbox.delete(TOKEN);
      await sandbox.create({ CustomToken: TOKEN });
      expect(at((await sandbox.find({ DeviceToken: TOKEN })).body, 'Result')).toEqual([]);
    },
  );
});

test('ignoreCustomToken gives each create a token of its own', async () => {
  const sandbox = await openSandbox({ modes: { ignoreCustomToken: true } });
  const first = deviceTokenOf(await sandbox.create({ CustomToken: TOKEN }));
  const second = deviceTokenOf(await sandbox.create({ CustomToken: TOKEN }));
  expect(new Set([TOKEN, first, second]).size).toBe(3);
  expect(await sandbox.requests()).toMatchObject([{ deviceToken: first }, { deviceToken: second }]);
});

describe('unknownDelete: the deletion of an unknown or deleted user', () => {
  test.each(['404', '403'] as const)('is a %s', async (unknownDelete) => {
    const sandbox = await openSandbox({ modes: { unknownDelete } });
    await sandbox.becomeAdmin();
    expect((await sandbox.delete(TOKEN)).status).toBe(Number(unknownDelete));
    await sandbox.create({ CustomToken: TOKEN });
    expect((await sandbox.delete(TOKEN)).status).toBe(200);
    expect((await sandbox.delete(TOKEN)).status).toBe(Number(unknownDelete));
  });

  test('is a 200 with Result null under 200-null', async () => {
    const sandbox = await openSandbox({ modes: { unknownDelete: '200-null' } });
    await sandbox.becomeAdmin();
    const reply = await sandbox.delete(TOKEN);
    expect(reply.status).toBe(200);
    expect(reply.body).toEqual({ Result: null, Status: 200, Title: '', Errors: [] });
    expect(await sandbox.requests()).toMatchObject([{}, { operation: 'delete', applied: false }]);
  });
});

describe('badKey: a create with a wrong InstanceId or InstanceKey', () => {
  const WRONG = [{ InstanceKey: 'wrong' }, { InstanceKey: '' }, { InstanceId: TOKEN }];

  test.each(['401', '403', '404', '422'] as const)('is a %s', async (badKey) => {
    const sandbox = await openSandbox({ modes: { badKey } });
    for (const headers of WRONG) {
      const reply = await sandbox.create({}, headers);
      expect(reply.status).toBe(Number(badKey));
      expect(reply.body).toMatchObject({ Status: Number(badKey) });
    }
    expect(await sandbox.users()).toEqual([]);
  });

  test('is a 200 without Result under 200-empty', async () => {
    const sandbox = await openSandbox({ modes: { badKey: '200-empty' } });
    const reply = await sandbox.create({}, { InstanceKey: 'wrong' });
    expect(reply.status).toBe(200);
    expect(reply.body).toEqual({ Status: 200, Title: '', Errors: [] });
    expect(await sandbox.users()).toEqual([]);
  });
});

test('envelopeErrors puts every error envelope under HTTP 200, and leaves successes alone', async () => {
  const modes = { envelopeErrors: true, loginLimit: { max: 1, windowMs: 60_000, barMs: 60_000 } };
  const sandbox = await openSandbox({ modes });
  await sandbox.becomeAdmin();
  const replies = [
    await sandbox.create({}, { InstanceKey: 'wrong' }),
    await sandbox.create({ FirstName: 1 }),
    await sandbox.delete(TOKEN),
    await sandbox.login(),
    await sandbox.create({}),
  ];
  expect(replies.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
  expect(replies.map(({ body }) => at(body, 'Status'))).toEqual([401, 422, 404, 429, 200]);
});

describe('clearing: what null and "" do to a field in an update', () => {
  const profileAfter = async (clearing: object, changes: object) => {
    const sandbox = await openSandbox();
    expect((await sandbox.patchModes({ clearing })).status).toBe(200);
    await sandbox.create({ CustomToken: TOKEN, Phone: '1', Email: 'a@b', UserFields: { ClientId: 'c' } });
    await sandbox.becomeAdmin();
    const { status } = await sandbox.update(TOKEN, changes);
    const [user] = at((await sandbox.find({ DeviceToken: TOKEN })).body, 'Result') as unknown[];
    const clientId = at(user, 'UserFields', 0, 'ClientId');
    return {
      status,
      phone: at(user, 'UserProfile', 'Phone'),
      email: at(user, 'UserProfile', 'Email'),
      clientId,
    };
  };
  const CHANGES = { Phone: null, Email: '', UserFields: { ClientId: null } };

  test.each([
    [{}, { phone: null, email: '', clientId: null }],
    [
      { null: 'ignored', empty: 'clears' },
      { phone: '1', email: null, clientId: 'c' },
    ],
    [
      { null: 'clears', empty: 'ignored' },
      { phone: null, email: 'a@b', clientId: null },
    ],
  ])('%j leaves %j', async (clearing, left) => {
    expect(await profileAfter(clearing, CHANGES)).toEqual({ status: 200, ...left });
  });

  test.each([{ null: '422' }, { empty: 422 }])('%j refuses the whole update', async (clearing) => {
    expect(await profileAfter(clearing, CHANGES)).toEqual({
      status: 422,
      phone: '1',
      email: 'a@b',
      clientId: 'c',
    });
  });
});

describe('tokenCasing: how a DeviceToken is written in answers', () => {
  const GIVEN = TOKEN.replace('a', 'A');

  test.each([
    ['lower', TOKEN],
    ['upper', TOKEN.toUpperCase()],
    ['as-given', GIVEN],
  ] as const)('%s', async (tokenCasing, shown) => {
    const sandbox = await openSandbox({ modes: { tokenCasing } });
    expect(deviceTokenOf(await sandbox.create({ CustomToken: GIVEN }))).toBe(shown);
    await sandbox.becomeAdmin();
    const found = await sandbox.find({ DeviceToken: TOKEN });
    expect(at(found.body, 'Result', 0, 'DeviceToken')).toBe(shown);
    const page = await sandbox.page({ PageNumber: 1, PageSize: 1 });
    expect(at(page.body, 'Result', 'Users', 0, 'DeviceToken')).toBe(shown);
  });
});

test('a create that does not say whether it wants tokens gets some, unless accessTokenByDefault is false', async () => {
  const sandbox = await openSandbox();
  const refreshToken = async (body: object) =>
    at((await sandbox.create(body)).body, 'Result', 'RefreshToken');
  expect(await refreshToken({})).toMatch(UUID);
  expect(await refreshToken({ CreateAccessToken: false })).toBeNull();
  await sandbox.patchModes({ accessTokenByDefault: false });
  expect(await refreshToken({})).toBeNull();
  expect(await refreshToken({ CreateAccessToken: true })).toMatch(UUID);
});

describe('clientIdForm: the form in which a ClientId is kept', () => {
  const DECOMPOSED = 'Zoe\u0308';
  const COMPOSED = 'Zo\u00eb';
  const cases = [
    ['exact', ` ${DECOMPOSED} `, ` ${DECOMPOSED} `, DECOMPOSED],
    ['trim', `\t${DECOMPOSED} `, DECOMPOSED, COMPOSED],
    ['nfc', DECOMPOSED, COMPOSED, DECOMPOSED.toLowerCase()],
    ['lower', 'Ada', 'ada', ' ada'],
  ] as const;

  test.each(cases)(
    '%s: a create with %j keeps %j, which both find, and %j does not',
    async (clientIdForm, given, kept, other) => {
      const sandbox = await openSandbox({ modes: { clientIdForm } });
      await sandbox.create({ UserFields: { ClientId: given } });
      await sandbox.becomeAdmin();
      const found = async (ClientId: string) => at((await sandbox.find({ ClientId })).body, 'Result');
      const user = { UserFields: [{ ClientId: kept }] };
      expect(await found(given)).toMatchObject([user]);
      expect(await found(kept)).toMatchObject([user]);
      expect(await found(other)).toEqual([]);
      expect(await sandbox.users()).toMatchObject([{ clientId: kept }]);
    },
  );

  test('an update keeps it in that form too, and a duplicate is told by it', async () => {
    const sandbox = await openSandbox({ modes: { clientIdForm: 'lower', duplicateClientId: '409' } });
    await sandbox.create({ CustomToken: TOKEN, UserFields: { ClientId: 'first' } });
    await sandbox.becomeAdmin();
    await sandbox.update(TOKEN, { UserFields: { ClientId: 'ADA' } });
    expect(await sandbox.users()).toMatchObject([{ clientId: 'ada' }]);
    expect((await sandbox.create({ UserFields: { ClientId: 'Ada' } })).status).toBe(409);
  });
});

describe('duplicateClientId: a create with the ClientId of another user', () => {
  const create = { UserFields: { ClientId: 'c' } };

  test.each(['409', '422', '400'] as const)('%s refuses, until that user is deleted', async (status) => {
    const sandbox = await openSandbox({ modes: { duplicateClientId: status } });
    await sandbox.create({ ...create, CustomToken: TOKEN });
    expect((await sandbox.create(create)).status).toBe(Number(status));
    expect((await sandbox.create({ ...create, CustomToken: TOKEN })).status).toBe(200);
    expect(await sandbox.users()).toHaveLength(1);
    await sandbox.becomeAdmin();
    await sandbox.delete(TOKEN);
    expect((await sandbox.create(create)).status).toBe(200);
  });
});

test('deletedToken free gives the token of a deleted user to another one', async () => {
  const sandbox = await openSandbox({ modes: { deletedToken: 'free', duplicateToken: '409' } });
  await sandbox.create({ CustomToken: TOKEN });
  await sandbox.becomeAdmin();
  await sandbox.delete(TOKEN);
  expect((await sandbox.create({ CustomToken: TOKEN })).status).toBe(200);
  expect(at((await sandbox.find({ DeviceToken: TOKEN })).body, 'Result')).toHaveLength(1);
  expect((await sandbox.create({ CustomToken: TOKEN })).status).toBe(409);
});
