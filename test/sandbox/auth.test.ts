import { describe, expect, test } from 'vitest';
import { TOKEN, adminPassword, at, bearer, openSandbox, stoppedClock, tokensOf } from './caller.ts';

const FIND = `/v1/Management/users/find?DeviceToken=${TOKEN}`;
const DAY_MS = 86_400_000;

test('the admin logs in with email and password and gets a pair that lives a day', async () => {
  const sandbox = await openSandbox();
  const reply = await sandbox.login();
  expect(reply.body).toEqual({
    Result: {
      AccessToken: { Token: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/), ExpiresIn: 86_400 },
      RefreshToken: expect.any(String),
    },
    Status: 200,
    Title: '',
    Errors: [],
  });
});

test.each([
  ['a wrong password', 'admin@sandbox.test', 'wrong'],
  ['an unknown email', 'nobody@sandbox.test', adminPassword],
])('%s is a 401', async (_what, email, password) => {
  const sandbox = await openSandbox();
  const reply = await sandbox.login(email, password);
  expect(reply.status).toBe(401);
  expect(reply.body).toEqual({ Status: 401, Title: 'Unauthorized', Errors: [] });
});

describe('LoginFields', () => {
  const asObject = { LoginFields: { email: 'admin@sandbox.test' }, Password: adminPassword };

  test('may be an object, as shipped code sends it, unless objectLoginFields is false', async () => {
    const sandbox = await openSandbox();
    const status = async (body: object) => (await sandbox.send('POST', '/v1/Auth/Login', body)).status;
    expect(await status(asObject)).toBe(200);
    await sandbox.patchModes({ objectLoginFields: false });
    expect(await status(asObject)).toBe(400);
    expect(await status({ ...asObject, LoginFields: JSON.stringify(asObject.LoginFields) })).toBe(200);
  });

  test.each(['{', 'null', '[]', 1, null, undefined])('given as %j are a 400', async (fields) => {
    const sandbox = await openSandbox();
    const body = { LoginFields: fields, Password: adminPassword };
    const reply = await sandbox.send('POST', '/v1/Auth/Login', body);
    expect(reply.status).toBe(400);
    expect(reply.body).toMatchObject({ Errors: [{ Key: 'LoginFields' }] });
  });
});

test('a refresh rotates both tokens, and each pair refreshes only once', async () => {
  const sandbox = await openSandbox();
  const first = tokensOf(await sandbox.login());
  const second = tokensOf(await sandbox.refresh(first));
  expect(second.AccessToken).not.toBe(first.AccessToken);
  expect(second.RefreshToken).not.toBe(first.RefreshToken);
  expect((await sandbox.refresh(first)).status).toBe(401);
  expect((await sandbox.refresh(second)).status).toBe(200);
});

test('the two tokens of a refresh must belong together', async () => {
  const sandbox = await openSandbox();
  const one = tokensOf(await sandbox.login());
  const other = tokensOf(await sandbox.login());
  const mixed = { AccessToken: one.AccessToken, RefreshToken: other.RefreshToken };
  expect((await sandbox.refresh(mixed)).status).toBe(401);
  expect((await sandbox.refresh(other)).status).toBe(200);
});

test('after a refresh the old access token stays good until it expires', async () => {
  const clock = stoppedClock();
  const sandbox = await openSandbox({ clock: clock.read });
  const old = tokensOf(await sandbox.login());
  await sandbox.refresh(old);
  expect((await sandbox.send('GET', FIND, undefined, bearer(old.AccessToken))).status).toBe(200);
  clock.advance(DAY_MS);
  expect((await sandbox.send('GET', FIND, undefined, bearer(old.AccessToken))).status).toBe(401);
});

test('an access token expires after a day, and its pair can still be refreshed', async () => {
  const clock = stoppedClock();
  const sandbox = await openSandbox({ clock: clock.read });
  const tokens = tokensOf(await sandbox.login());
  clock.advance(DAY_MS - 1);
  expect((await sandbox.send('GET', FIND, undefined, bearer(tokens.AccessToken))).status).toBe(200);
  clock.advance(1);
  expect((await sandbox.send('GET', FIND, undefined, bearer(tokens.AccessToken))).status).toBe(401);
  const fresh = tokensOf(await sandbox.refresh(tokens));
  expect((await sandbox.send('GET', FIND, undefined, bearer(fresh.AccessToken))).status).toBe(200);
});

test("a user's pair refreshes to a day, and no more once the user is deleted", async () => {
  const sandbox = await openSandbox();
  const first = tokensOf(await sandbox.create({ CustomToken: TOKEN, CreateAccessToken: true }));
  const reply = await sandbox.refresh(first);
  expect(at(reply.body, 'Result', 'AccessToken', 'ExpiresIn')).toBe(86_400);
  await sandbox.becomeAdmin();
  await sandbox.delete(TOKEN);
  expect((await sandbox.refresh(tokensOf(reply))).status).toBe(401);
});

test('loginRevokes: a login of the admin revokes both tokens that he had, and no token of a user', async () => {
  const sandbox = await openSandbox({ modes: { loginRevokes: true } });
  const user = tokensOf(await sandbox.create({ CustomToken: TOKEN, CreateAccessToken: true }));
  const first = tokensOf(await sandbox.login());
  expect((await sandbox.login('admin@sandbox.test', 'wrong')).status).toBe(401);
  expect((await sandbox.send('GET', FIND, undefined, bearer(first.AccessToken))).status).toBe(200);

  const second = tokensOf(await sandbox.login());
  expect((await sandbox.send('GET', FIND, undefined, bearer(first.AccessToken))).status).toBe(401);
  expect((await sandbox.refresh(first)).status).toBe(401);
  expect((await sandbox.send('GET', FIND, undefined, bearer(second.AccessToken))).status).toBe(200);
  expect((await sandbox.refresh(user)).status).toBe(200);
});

test('without loginRevokes earlier tokens stay good', async () => {
  const sandbox = await openSandbox();
  const first = tokensOf(await sandbox.login());
  await sandbox.login();
  expect((await sandbox.send('GET', FIND, undefined, bearer(first.AccessToken))).status).toBe(200);
  expect((await sandbox.refresh(first)).status).toBe(200);
});

const ADMIN_ENDPOINTS = [
  ['GET', FIND, undefined],
  ['DELETE', `/v1/Management/users/${TOKEN}`, undefined],
  ['POST', '/v1/Management/users/GetFilteredPage', {}],
  ['POST', '/v1/Management/users/count', {}],
  ['POST', '/v1/Management/users/instances/change', {}],
] as const;

test.each(ADMIN_ENDPOINTS)(
  "%s %s is a 401 without a good token and a 403 with a user's",
  async (method, path, body) => {
    const sandbox = await openSandbox();
    const { AccessToken } = tokensOf(await sandbox.create({ CustomToken: TOKEN, CreateAccessToken: true }));
    const status = async (headers: Record<string, string>) =>
      (await sandbox.send(method, path, body, headers)).status;
    expect(await status({})).toBe(401);
    expect(await status(bearer('made-up'))).toBe(401);
    expect(await status({ Authorization: AccessToken })).toBe(401);
    expect(await status(bearer(AccessToken))).toBe(403);
    expect(await sandbox.users()).toMatchObject([{ deviceToken: TOKEN, deletedAt: null }]);
  },
);

test('accessTokenTtlMs sets how long a token is accepted, and what ExpiresIn says', async () => {
  const clock = stoppedClock();
  const sandbox = await openSandbox({ clock: clock.read, modes: { accessTokenTtlMs: 1500 } });
  const reply = await sandbox.login();
  expect(at(reply.body, 'Result', 'AccessToken', 'ExpiresIn')).toBe(2);
  const headers = bearer(tokensOf(reply).AccessToken);
  clock.advance(1499);
  expect((await sandbox.send('GET', FIND, undefined, headers)).status).toBe(200);
  clock.advance(1);
  expect((await sandbox.send('GET', FIND, undefined, headers)).status).toBe(401);
});

test('setting accessTokenTtlMs to 0 and back revokes the tokens issued so far, for good', async () => {
  const sandbox = await openSandbox();
  const old = tokensOf(await sandbox.login());
  await sandbox.patchModes({ accessTokenTtlMs: 0 });
  await sandbox.patchModes({ accessTokenTtlMs: DAY_MS });
  expect((await sandbox.send('GET', FIND, undefined, bearer(old.AccessToken))).status).toBe(401);
  const fresh = tokensOf(await sandbox.refresh(old));
  expect((await sandbox.send('GET', FIND, undefined, bearer(fresh.AccessToken))).status).toBe(200);
});

test('the sixth login within a minute is a 429 and bars every login for an hour', async () => {
  const clock = stoppedClock();
  const sandbox = await openSandbox({ clock: clock.read });
  for (let attempt = 1; attempt <= 5; attempt += 1) {
    expect((await sandbox.login('nobody@sandbox.test')).status).toBe(401);
  }
  const barred = await sandbox.login();
  expect(barred.status).toBe(429);
  expect(barred.headers.get('retry-after')).toBeNull();
  expect(at((await sandbox.send('GET', '/_sandbox')).body, 'loginBarredUntil')).toBe(
    '2030-01-01T01:00:00.000Z',
  );

  clock.advance(3_600_000 - 1);
  expect((await sandbox.login()).status).toBe(429);
  clock.advance(1);
  expect((await sandbox.login()).status).toBe(200);
  expect(at((await sandbox.send('GET', '/_sandbox')).body, 'loginBarredUntil')).toBeNull();
});

test('logins that are spread over the window are not barred', async () => {
  const clock = stoppedClock();
  const loginLimit = { max: 2, windowMs: 1000, barMs: 5000 };
  const sandbox = await openSandbox({ clock: clock.read, modes: { loginLimit } });
  for (let attempt = 1; attempt <= 6; attempt += 1) {
    expect((await sandbox.login()).status).toBe(200);
    clock.advance(500);
  }
});

test('a bar on logins leaves refreshes, creates and finds alone', async () => {
  const sandbox = await openSandbox({ modes: { loginLimit: { max: 1, windowMs: 60_000, barMs: 60_000 } } });
  const tokens = tokensOf(await sandbox.login());
  expect((await sandbox.login()).status).toBe(429);
  expect((await sandbox.create({ CustomToken: TOKEN })).status).toBe(200);
  expect((await sandbox.send('GET', FIND, undefined, bearer(tokens.AccessToken))).status).toBe(200);
  expect((await sandbox.refresh(tokens)).status).toBe(200);
});

test('badRefresh chooses among the accounts of a bad refresh', async () => {
  const sandbox = await openSandbox();
  const bad = { AccessToken: 'x', RefreshToken: 'y' };
  expect((await sandbox.refresh(bad)).status).toBe(401);
  await sandbox.patchModes({ badRefresh: '400' });
  expect((await sandbox.refresh(bad)).status).toBe(400);
  await sandbox.patchModes({ badRefresh: '419-envelope' });
  const reply = await sandbox.refresh(bad);
  expect(reply.status).toBe(200);
  expect(reply.body).toMatchObject({ Status: 419 });
  expect(reply.body).not.toHaveProperty('Result');
});
