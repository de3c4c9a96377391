import { expect, test } from 'vitest';
import { inMemorySessionStore, type TokenPair } from '../../src/damoov/session-store.ts';
import {
  hangUp,
  hiddenRefusal,
  refusal,
  silence,
  success,
  text,
  tokens,
  type Answer,
} from './scripted-server.ts';
import { errorOf, holdDeadlines, startWorld, userId } from './world.ts';
import { dayMs, minuteMs, onlyFor, operations } from './session-world.ts';

test('fifty calls at once log in once', async () => {
  const world = await startWorld();
  await Promise.all(Array.from({ length: 50 }, () => world.client.updateUser(userId, { firstName: 'x' })));
  expect(world.server.count('login')).toBe(1);
  expect(world.server.count('update')).toBe(50);
});

test('fifty calls that meet a 401 at once refresh once', async () => {
  const world = await startWorld();
  await world.client.ensureSession();
  world.server.script('refresh', tokens('token-2', 'refresh-2'));
  world.server.script('delete', onlyFor('token-2', success()));
  await Promise.all(Array.from({ length: 50 }, () => world.client.deleteUser(userId)));
  expect(world.server.count('refresh')).toBe(1);
  expect(world.server.count('login')).toBe(1);
});

test.each(['HTTP 401', 'HTTP 200 with an envelope of 401'])(
  'after %s the session is refreshed and the same request is sent once more: a PUT stays a PUT',
  async (how) => {
    const world = await startWorld();
    world.server.script('refresh', tokens('token-2', 'refresh-2'));
    world.server.script('update', how === 'HTTP 401' ? refusal(401) : hiddenRefusal(401), success());
    await world.client.updateUser(userId, { firstName: null });
    expect(operations(world)).toEqual(['login', 'update', 'refresh', 'update']);
    const [, first, refresh, second] = world.server.received;
    expect(refresh).toMatchObject({
      method: 'POST',
      url: '/v1/Auth/RefreshToken',
      body: '{"AccessToken":"token-1","RefreshToken":"refresh-1"}',
    });
    expect(refresh?.headers).not.toHaveProperty('Authorization');
    expect(second).toEqual({ ...first, headers: { ...first?.headers, Authorization: 'Bearer token-2' } });
    expect(second?.method).toBe('PUT');
  },
);

test('after a 401 a DELETE stays a DELETE and a GET stays a GET', async () => {
  const world = await startWorld();
  world.server.script('refresh', tokens('token-2', 'refresh-2'), tokens('token-3', 'refresh-3'));
  world.server.script('delete', refusal(401), success());
  world.server.script('find', refusal(401), success([]));
  await world.client.deleteUser(userId);
  await world.client.findUsers({ deviceToken: userId });
  expect(world.server.received.map(({ method, url }) => `${method} ${url}`)).toEqual([
    'POST /v1/Auth/Login',
    `DELETE /v1/Management/users/${userId}`,
    'POST /v1/Auth/RefreshToken',
    `DELETE /v1/Management/users/${userId}`,
    `GET /v1/Management/users/find?DeviceToken=${userId}`,
    'POST /v1/Auth/RefreshToken',
    `GET /v1/Management/users/find?DeviceToken=${userId}`,
  ]);
});

test('a second 401 is thrown, and a 401 to everything never turns into logins', async () => {
  const world = await startWorld();
  let issued = 1;
  world.server.script('refresh', (...to) => {
    issued += 1;
    return tokens(`token-${issued}`, `refresh-${issued}`)(...to);
  });
  world.server.script('update', refusal(401));
  for (let call = 0; call < 5; call += 1) {
    expect(await errorOf(world.client.updateUser(userId, { firstName: 'x' }))).toMatchObject({
      kind: 'unauthorized',
      operation: 'update',
      mayHaveBeenApplied: false,
    });
  }
  expect(world.server.count('update')).toBe(10);
  expect(world.server.count('login')).toBe(1);
});

test('after a 401 a session that another client has renewed meanwhile is used', async () => {
  const store = inMemorySessionStore();
  const world = await startWorld({ sessionStore: store });
  await world.client.ensureSession();
  world.server.script('update', onlyFor('theirs', success()));
  const obtainedAt = world.clock.now;
  const theirs: TokenPair = {
    accessToken: 'theirs',
    refreshToken: 'r',
    obtainedAt,
    expiresAt: obtainedAt + dayMs,
  };
  world.server.script('update', async (response, request) => {
    await store.save(theirs);
    await onlyFor('theirs', success())(response, request);
  });
  await world.client.updateUser(userId, { firstName: 'x' });
  expect(operations(world)).toEqual(['login', 'update', 'update']);
});

test('a session in the store is used without any login', async () => {
  const store = inMemorySessionStore();
  const world = await startWorld({ sessionStore: store });
  await store.save({ accessToken: 'kept', obtainedAt: world.clock.now, expiresAt: world.clock.now + dayMs });
  await world.client.deleteUser(userId);
  expect(world.server.received.map(({ headers }) => headers['Authorization'])).toEqual(['Bearer kept']);
});

test('a session is refreshed five minutes before it ends, and not earlier', async () => {
  const world = await startWorld();
  await world.client.ensureSession();
  world.server.script('refresh', tokens('token-2', 'refresh-2'));
  world.clock.now += dayMs - 5 * minuteMs - 1;
  await world.client.ensureSession();
  expect(operations(world)).toEqual(['login']);
  world.clock.now += 1;
  await world.client.deleteUser(userId);
  expect(operations(world)).toEqual(['login', 'refresh', 'delete']);
  expect(world.server.received.at(-1)?.headers['Authorization']).toBe('Bearer token-2');
});

test('a short-lived session is refreshed in the last tenth of its life', async () => {
  const world = await startWorld();
  world.server.script('login', tokens('token-1', 'refresh-1', 100));
  world.server.script('refresh', tokens('token-2', 'refresh-2', 100));
  await world.client.ensureSession();
  world.clock.now += 89_999;
  await world.client.ensureSession();
  expect(operations(world)).toEqual(['login']);
  world.clock.now += 1;
  await world.client.ensureSession();
  expect(operations(world)).toEqual(['login', 'refresh']);
});

test('both tokens rotate: the next refresh sends the new pair', async () => {
  const world = await startWorld();
  world.server.script('refresh', tokens('token-2', 'refresh-2'), tokens('token-3', 'refresh-3'));
  for (let day = 0; day < 3; day += 1) {
    await world.client.ensureSession();
    world.clock.now += dayMs;
  }
  expect(world.server.received.map(({ body }) => body).slice(1)).toEqual([
    '{"AccessToken":"token-1","RefreshToken":"refresh-1"}',
    '{"AccessToken":"token-2","RefreshToken":"refresh-2"}',
  ]);
});

test.each<[string, Answer]>([
  ['401', refusal(401)],
  ['400', refusal(400)],
  ['419 in the envelope', hiddenRefusal(419)],
  ['422', refusal(422)],
  ['200 with no Result', success()],
])('a refresh refused with %s is followed by one login', async (_how, answer) => {
  const world = await startWorld();
  await world.client.ensureSession();
  world.server.script('refresh', answer);
  world.server.script('login', tokens('token-2', 'refresh-2'));
  world.clock.now += dayMs;
  await world.client.deleteUser(userId);
  expect(operations(world)).toEqual(['login', 'refresh', 'login', 'delete']);
  expect(world.server.received.at(-1)?.headers['Authorization']).toBe('Bearer token-2');
});

test('a refresh refused because another process was faster takes the pair of the other', async () => {
  const store = inMemorySessionStore();
  const world = await startWorld({ sessionStore: store });
  await world.client.ensureSession();
  world.clock.now += dayMs;
  const obtainedAt = world.clock.now;
  world.server.script('refresh', async (...to) => {
    await store.save({ accessToken: 'theirs', refreshToken: 'r', obtainedAt, expiresAt: obtainedAt + dayMs });
    await refusal(401)(...to);
  });
  await world.client.deleteUser(userId);
  expect(operations(world)).toEqual(['login', 'refresh', 'delete']);
  expect(world.server.received.at(-1)?.headers['Authorization']).toBe('Bearer theirs');
});

test.each<[string, Answer, string]>([
  ['an error of the server', refusal(503), 'server'],
  ['a timeout', silence, 'timeout'],
  ['a broken connection', hangUp, 'network'],
  ['an HTML page', text(200, '<html></html>'), 'malformed'],
  ['a rate limit', refusal(429), 'rate-limited'],
])('%s at the refresh burns no login', async (_what, answer, kind) => {
  const world = await startWorld();
  await world.client.ensureSession();
  world.server.script('refresh', answer, tokens('token-2', 'refresh-2'));
  world.clock.now += dayMs;
  const deadlines = holdDeadlines();
  const ended = errorOf(world.client.deleteUser(userId));
  await world.server.hasReceived('refresh', 1);
  if (answer === silence) deadlines.pass(10_000);
  expect(await ended).toMatchObject({ kind, operation: 'refresh', mayHaveBeenApplied: false });
  await world.client.deleteUser(userId);
  expect(operations(world)).toEqual(['login', 'refresh', 'refresh', 'delete']);
});

test('while an early refresh fails the token at hand is used, and the refresh is not tried for every call', async () => {
  const world = await startWorld();
  await world.client.ensureSession();
  world.server.script('refresh', refusal(503), tokens('token-2', 'refresh-2'));
  world.clock.now += dayMs - 4 * minuteMs;
  await world.client.deleteUser(userId);
  await world.client.deleteUser(userId);
  world.clock.now += minuteMs;
  await world.client.deleteUser(userId);
  expect(operations(world)).toEqual(['login', 'refresh', 'delete', 'delete', 'refresh', 'delete']);
});

test('an early refresh that failed is tried again after thirty seconds', async () => {
  const world = await startWorld();
  await world.client.ensureSession();
  world.server.script('refresh', refusal(503), tokens('token-2', 'refresh-2'));
  world.clock.now += dayMs - minuteMs;
  await world.client.ensureSession();
  world.clock.now += 29_999;
  await world.client.ensureSession();
  expect(world.server.count('refresh')).toBe(1);
  world.clock.now += 1;
  await world.client.ensureSession();
  expect(world.server.count('refresh')).toBe(2);
});

test('a token that was answered with 401 is not used again, even where its renewal fails', async () => {
  const world = await startWorld();
  await world.client.ensureSession();
  world.server.script('update', refusal(401), success());
  world.server.script('refresh', refusal(503), tokens('token-2', 'refresh-2'));
  expect(await errorOf(world.client.updateUser(userId, { phone: 'x' }))).toMatchObject({
    operation: 'refresh',
  });
  await world.client.updateUser(userId, { phone: 'x' });
  expect(operations(world)).toEqual(['login', 'update', 'refresh', 'refresh', 'update']);
});
