import { expect, test } from 'vitest';
import { startSandbox } from '../../src/sandbox/server.ts';
import { OTHER_TOKEN, TOKEN, at, bearer, openSandbox, stoppedClock, tokensOf } from './caller.ts';

const DEFAULTS = {
  latencyMs: 0,
  errorRate: 0,
  errorStatus: 500,
  errorBody: 'json',
  commitThenDropRate: 0,
  dropRate: 0,
  duplicateToken: 'same',
  ignoreCustomToken: false,
  unknownDelete: '404',
  badKey: '401',
  badRefresh: '401',
  envelopeErrors: false,
  accessTokenTtlMs: 86_400_000,
  loginRevokes: false,
  loginLimit: { max: 5, windowMs: 60_000, barMs: 3_600_000 },
  rateLimit: null,
  clearing: { null: 'clears', empty: 'kept' },
  tokenCasing: 'lower',
  accessTokenByDefault: true,
  objectLoginFields: true,
  loginFieldCase: 'any',
  ownUser: 'allowed',
  contactRequired: false,
  unknownValues: 'kept',
  createIgnores: ['Country', 'District', 'City', 'ExternalImageUrl'],
  hiddenFields: [],
  birthdayForm: 'datetime',
  repeatedMove: 'done',
  countForm: 'number',
  clientIdForm: 'exact',
  duplicateClientId: 'allowed',
  deletedToken: 'taken',
  findLagMs: 0,
  seed: 1,
};

test('the overview reports users, counts of requests by operation, and the bar on logins', async () => {
  const sandbox = await openSandbox();
  await sandbox.create({ CustomToken: TOKEN });
  await sandbox.create({ FirstName: 1 });
  await sandbox.becomeAdmin();
  await sandbox.refresh({ AccessToken: 'x', RefreshToken: 'y' });
  await sandbox.find({ DeviceToken: TOKEN });
  await sandbox.update(TOKEN, { FirstName: 'Ada' });
  await sandbox.page({});
  await sandbox.delete(TOKEN);
  const { body } = await sandbox.send('GET', '/_sandbox');
  expect(body).toEqual({
    users: [expect.objectContaining({ deviceToken: TOKEN, firstName: 'Ada' })],
    counts: { create: 2, update: 1, delete: 1, find: 1, login: 1, refresh: 1 },
    loginBarredUntil: null,
  });
});

test('the request log reports every API request in order, and no control', async () => {
  const clock = stoppedClock();
  const sandbox = await openSandbox({ clock: clock.read });
  await sandbox.create({ CustomToken: TOKEN, UserFields: { ClientId: 'ada-1' } });
  await sandbox.becomeAdmin();
  clock.advance(1000);
  await sandbox.send('GET', '/_sandbox');
  await sandbox.find({ ClientId: 'ada-1' });
  await sandbox.update(TOKEN, { UserFields: { ClientId: 'ada-2' } });
  await sandbox.page({});
  await sandbox.delete(TOKEN);
  await sandbox.move({ DeviceToken: OTHER_TOKEN });
  await sandbox.send('GET', '/nowhere');

  const ada = { deviceToken: TOKEN, clientId: 'ada-1' };
  const nobody = { deviceToken: null, clientId: null };
  expect(await sandbox.requests()).toMatchObject([
    { seq: 1, operation: 'create', ...ada, status: 200, applied: true, at: '2030-01-01T00:00:00.000Z' },
    { seq: 2, operation: 'login', ...nobody, status: 200, applied: true },
    {
      seq: 3,
      operation: 'find',
      deviceToken: null,
      clientId: 'ada-1',
      status: 200,
      applied: false,
      at: '2030-01-01T00:00:01.000Z',
    },
    { seq: 4, operation: 'update', ...ada, status: 200, applied: true },
    { seq: 5, operation: 'page', ...nobody, status: 200, applied: false },
    { seq: 6, operation: 'delete', deviceToken: TOKEN, clientId: 'ada-2', status: 200, applied: true },
    { seq: 7, operation: 'move', deviceToken: OTHER_TOKEN, clientId: null, status: 404, applied: false },
    { seq: 8, operation: 'unknown', ...nobody, status: 404, applied: false },
  ]);
});

test('the request log tells overlapping requests from successive ones, within one millisecond', async () => {
  const clock = stoppedClock();
  const sandbox = await openSandbox({ clock: clock.read });
  await sandbox.create({});
  await sandbox.create({});
  await sandbox.patchModes({ latencyMs: 20 });
  await Promise.all([sandbox.create({}), sandbox.create({})]);
  const endedAt = '2030-01-01T00:00:00.000Z';
  expect(await sandbox.requests()).toMatchObject([
    { seq: 1, endedAfterSeq: 1, endedAt },
    { seq: 2, endedAfterSeq: 2, endedAt },
    { seq: 3, endedAfterSeq: 4, endedAt },
    { seq: 4, endedAfterSeq: 4, endedAt },
  ]);
});

test('a change of modes answers all of them, and keeps those it does not name', async () => {
  const sandbox = await openSandbox({ modes: { badKey: '403' } });
  expect((await sandbox.patchModes({})).body).toEqual({ ...DEFAULTS, badKey: '403' });
  const reply = await sandbox.patchModes({ latencyMs: [1, 2], duplicateToken: 409, rateLimit: { max: 10 } });
  expect(reply.status).toBe(200);
  expect(reply.body).toEqual({
    ...DEFAULTS,
    badKey: '403',
    latencyMs: [1, 2],
    duplicateToken: '409',
    rateLimit: { max: 10, windowMs: 1000, retryAfter: null },
  });
});

test('a bad change of modes names every fault and changes nothing', async () => {
  const sandbox = await openSandbox();
  const reply = await sandbox.patchModes({
    errorRate: 0.5,
    dropRate: 2,
    latencyMs: [5, 1],
    badKey: '418',
    laziness: true,
    loginLimit: { max: -1, most: 3 },
    rateLimit: { max: 1, retryAfter: 'soon\r\nX: y' },
  });
  expect(reply.status).toBe(400);
  const faults = at(reply.body, 'faults');
  expect(faults).toHaveLength(7);
  for (const name of [
    'dropRate',
    'latencyMs',
    'badKey',
    'laziness',
    'loginLimit.max',
    'loginLimit.most',
    'rateLimit.retryAfter',
  ]) {
    expect(faults).toContainEqual(expect.stringContaining(`${name}: `));
  }
  expect((await sandbox.patchModes({})).body).toEqual(DEFAULTS);
});

test.each(['', '[]', 'null', '{'])('modes given as %j are a 400', async (body) => {
  const sandbox = await openSandbox();
  const response = await fetch(`${sandbox.url}/_sandbox/modes`, { method: 'PATCH', body });
  expect(response.status).toBe(400);
});

test('a reset forgets users, counts, log, bar and changed modes, and keeps the admin logged in', async () => {
  const sandbox = await openSandbox({
    modes: { badKey: '403', loginLimit: { max: 1, windowMs: 1, barMs: 60_000 } },
  });
  const admin = tokensOf(await sandbox.login());
  const user = tokensOf(await sandbox.create({ CustomToken: TOKEN, CreateAccessToken: true }));
  await sandbox.patchModes({ badKey: '404', loginLimit: { max: 0 } });
  expect((await sandbox.login()).status).toBe(429);

  const reply = await sandbox.send('POST', '/_sandbox/reset');
  expect(reply.status).toBe(200);
  const counts = { create: 0, update: 0, delete: 0, find: 0, login: 0, refresh: 0 };
  expect(reply.body).toEqual({ users: [], counts, loginBarredUntil: null });
  expect(await sandbox.requests()).toEqual([]);
  expect((await sandbox.patchModes({})).body).toMatchObject({ badKey: '403', loginLimit: { max: 1 } });

  const find = `/v1/Management/users/find?DeviceToken=${TOKEN}`;
  const found = await sandbox.send('GET', find, undefined, bearer(admin.AccessToken));
  expect(at(found.body, 'Result')).toEqual([]);
  expect((await sandbox.send('GET', find, undefined, bearer(user.AccessToken))).status).toBe(401);
  expect((await sandbox.refresh(user)).status).toBe(401);
  expect((await sandbox.refresh(admin)).status).toBe(200);
});

test('an unknown control is a 404', async () => {
  const sandbox = await openSandbox();
  expect((await sandbox.send('DELETE', '/_sandbox')).status).toBe(404);
});

test('a sandbox with bad modes does not start, and says what is bad', async () => {
  await expect(startSandbox({ modes: { errorRate: 2, findLagMs: -1 } })).rejects.toThrow(
    /errorRate: .*findLagMs: /,
  );
});

test('a sandbox does not start on a port that is taken', async () => {
  const { port } = await openSandbox();
  await expect(startSandbox({ port })).rejects.toThrow('EADDRINUSE');
});

test('closing cuts connections that wait for an answer, and frees the port', async () => {
  const sandbox = await startSandbox({ modes: { latencyMs: 60_000 } });
  const pending = fetch(`${sandbox.url}/v1/Auth/Login`, { method: 'POST' });
  const cut = expect(pending).rejects.toThrow('fetch failed');
  await untilReceived(sandbox.url);
  await sandbox.close();
  await cut;
  const next = await startSandbox({ port: sandbox.port });
  expect(next.port).toBe(sandbox.port);
  await next.close();
});

async function untilReceived(url: string): Promise<void> {
  const log: unknown = await (await fetch(`${url}/_sandbox/requests`)).json();
  if (at(log, 0) === undefined) await untilReceived(url);
}
