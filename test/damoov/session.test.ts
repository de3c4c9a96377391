import { describe, expect, test } from 'vitest';

import { inMemoryLoginBudget } from '../../src/damoov/login-budget.ts';
import type { LoginBudget } from '../../src/damoov/login-budget.ts';
import { inMemorySessionStore } from '../../src/damoov/session-store.ts';
import type { SessionStore, TokenPair } from '../../src/damoov/session-store.ts';
import {
  gated,
  hangUp,
  hiddenRefusal,
  json,
  refusal,
  silence,
  success,
  text,
  tokens,
} from './scripted-server.ts';
import type { Answer } from './scripted-server.ts';
import { errorOf, holdDeadlines, startWorld, userId, instance } from './world.ts';

const dayMs = 86_400_000;
const minuteMs = 60_000;

function operations({ server }: Awaited<ReturnType<typeof startWorld>>): (string | undefined)[] {
  return server.received.map(({ operation }) => operation);
}

/** Answers as Damoov would to whoever holds that token, and 401 to everybody else. */
function onlyFor(token: string, answer: Answer): Answer {
  return (response, request) =>
    (request.headers['Authorization'] === `Bearer ${token}` ? answer : refusal(401))(response, request);
}

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

test('after a 401 a session that somebody else has renewed meanwhile is used', async () => {
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

test.each([400, 401, 403, 404, 422])('a login answered with %i is refused', async (status) => {
  const world = await startWorld();
  world.server.script('login', refusal(status));
  expect(await errorOf(world.client.deleteUser(userId))).toMatchObject({
    kind: 'login-refused',
    operation: 'login',
    status,
    mayHaveBeenApplied: false,
  });
  // After a 404 it is asked whether there is such an API at all.
  expect(operations(world)).toEqual(status === 404 ? ['login', 'find'] : ['login']);
});

test('a failed login is remembered for two seconds, however often it fails', async () => {
  const world = await startWorld({ loginBudget: unlimited() });
  world.server.script('login', refusal(401));
  for (let logins = 1; logins <= 10; logins += 1) {
    expect(await errorOf(world.client.deleteUser(userId))).toMatchObject({ retryAfterMs: 2_000 });
    world.clock.now += 1_999;
    expect(await errorOf(world.client.deleteUser(userId))).toMatchObject({
      kind: 'login-refused',
      status: 401,
      retryAfterMs: 1,
      wasSent: false,
    });
    expect(world.server.count('login')).toBe(logins);
    world.clock.now += 1;
  }
  world.server.script('login', tokens('token-1', 'refresh-1'));
  await world.client.deleteUser(userId);
});

test('a failed login holds back everybody who shares the budget for two seconds', async () => {
  const loginBudget = inMemoryLoginBudget({ now: () => world.clock.now });
  const world = await startWorld({ loginBudget });
  const other = await startWorld({ loginBudget, baseUrl: world.server.url });
  world.server.script('login', refusal(503));
  await errorOf(world.client.ensureSession());
  expect(await errorOf(other.client.ensureSession())).toMatchObject({
    kind: 'login-barred',
    retryAfterMs: 2_000,
  });
  expect(world.server.count('login')).toBe(1);
});

test('a budget that makes its own pauses is told of a login without a decision; a decision bars it', async () => {
  const told: string[] = [];
  const loginBudget = {
    ...unlimited(),
    failed: async () => void told.push('failed'),
    bar: async (ms: number) => void told.push(`bar ${ms}`),
  };
  const world = await startWorld({ loginBudget });
  world.server.script('login', refusal(503), refusal(401), refusal(429, [], { 'retry-after': '2' }));
  world.server.script('find', refusal(401));
  for (const expected of ['failed', 'bar 2000', 'bar 2000']) {
    await errorOf(world.client.ensureSession());
    expect(told.splice(0)).toEqual([expected]);
    world.clock.now += 2_000;
  }
});

test('a budget is told of a refused login, and of no other failure', async () => {
  const told: string[] = [];
  const loginBudget = { ...unlimited(), refused: async () => void told.push('refused') };
  const world = await startWorld({ loginBudget });
  world.server.script('login', refusal(503), hangUp, refusal(429, [], { 'retry-after': '2' }), refusal(401));
  for (const expected of [[], [], [], ['refused']]) {
    await errorOf(world.client.ensureSession());
    expect(told).toEqual(expected);
    world.clock.now += 2_000;
  }
});

describe('a session that Damoov ends', () => {
  /** A client with a session, whose budget counts what it is told of sessions that were ended by others. */
  async function startCounted(sessionStore = inMemorySessionStore()) {
    let revoked = 0;
    const loginBudget = { ...unlimited(), revoked: async () => void (revoked += 1) };
    const world = await startWorld({ sessionStore, loginBudget });
    await world.client.ensureSession();
    world.server.script('login', tokens('token-2', 'refresh-2'));
    world.server.script('delete', onlyFor('token-2', success()));
    world.server.script('refresh', refusal(401));
    return { ...world, sessionStore, revoked: () => revoked };
  }

  test('before its time, with both tokens, was revoked: the budget is told once, however many calls meet it', async () => {
    const world = await startCounted();
    await Promise.all(Array.from({ length: 50 }, () => world.client.deleteUser(userId)));
    expect(world.server.count('login')).toBe(2);
    expect(world.revoked()).toBe(1);
  });

  test('after a changed password was revoked once, however often the login is refused then', async () => {
    const world = await startCounted();
    world.server.script('login', refusal(401));
    for (let attempt = 0; attempt < 3; attempt += 1) {
      await errorOf(world.client.deleteUser(userId));
      world.clock.now += minuteMs;
    }
    expect(world.server.count('login')).toBe(1 + 3);
    expect(world.revoked()).toBe(1);
  });

  test('in its last minutes has expired', async () => {
    const world = await startCounted();
    world.clock.now += dayMs - minuteMs;
    await world.client.deleteUser(userId);
    expect(world.revoked()).toBe(0);
  });

  test('and lets be refreshed was revoked by nobody', async () => {
    const world = await startCounted();
    world.server.script('refresh', tokens('token-2', 'refresh-2'));
    await world.client.deleteUser(userId);
    expect(operations(world)).toEqual(['login', 'delete', 'refresh', 'delete']);
    expect(world.revoked()).toBe(0);
  });

  test('because another process has renewed it was revoked by nobody, even where the store lost what came of it', async () => {
    const sessionStore = inMemorySessionStore();
    const world = await startCounted(sessionStore);
    sessionStore.load = async () => undefined;
    await world.client.deleteUser(userId);
    expect(operations(world)).toEqual(['login', 'delete', 'refresh', 'login', 'delete']);
    expect(world.revoked()).toBe(0);
  });

  test('is replaced by a login also where nobody can note that it was revoked', async () => {
    const isDown = async () => {
      throw new Error('the budget is down');
    };
    const world = await startWorld({ loginBudget: { ...unlimited(), revoked: isDown } });
    await world.client.ensureSession();
    world.server.script('login', tokens('token-2', 'refresh-2'));
    world.server.script('delete', onlyFor('token-2', success()));
    world.server.script('refresh', refusal(401));
    await world.client.deleteUser(userId);
    expect(world.server.count('login')).toBe(2);
  });
});

test('a refusal that the budget cannot note is told as a refusal', async () => {
  const isDown = async () => {
    throw new Error('the budget is down');
  };
  const world = await startWorld({ loginBudget: { ...unlimited(), bar: isDown, refused: isDown } });
  world.server.script('login', refusal(401));
  expect(await errorOf(world.client.ensureSession())).toMatchObject({ kind: 'login-refused' });
});

test('a login whose grant has grown old in a frozen process is not sent, and its grant is given back', async () => {
  let givenBack = 0;
  const world = await startWorld({
    loginBudget: {
      ...unlimited(),
      async take() {
        // After the grant is here, and before the connection stands.
        process.nextTick(() => (world.clock.now += 5_001));
        return { granted: true };
      },
      giveBack: async () => void (givenBack += 1),
    },
  });
  expect(await errorOf(world.client.ensureSession())).toMatchObject({ kind: 'aborted', wasSent: false });
  expect(operations(world)).toEqual([]);
  expect(givenBack).toBe(1);
});

test('a login is sent up to five seconds after its grant', async () => {
  const loginBudget = {
    ...unlimited(),
    async take() {
      process.nextTick(() => (world.clock.now += 5_000));
      return { granted: true as const };
    },
  };
  const world = await startWorld({ loginBudget });
  await world.client.ensureSession();
  expect(operations(world)).toEqual(['login']);
});

test('a login that ended in what nobody foresaw keeps its grant: it may have been sent', async () => {
  let givenBack = 0;
  const unforeseen = new Error('the traffic is down');
  const world = await startWorld({
    loginBudget: { ...unlimited(), giveBack: async () => void (givenBack += 1) },
    traffic: { admit: () => Promise.reject(unforeseen), answered() {} },
  });
  await expect(world.client.ensureSession()).rejects.toBe(unforeseen);
  expect(givenBack).toBe(0);
});

test('a 429 to a login bars everybody who shares the budget', async () => {
  const bars: number[] = [];
  const world = await startWorld({ loginBudget: { ...unlimited(), bar: async (ms) => void bars.push(ms) } });
  world.server.script('login', refusal(429, [], { 'retry-after': '90' }));
  await errorOf(world.client.ensureSession());
  expect(bars).toEqual([90_000]);
});

test.each<[string, Answer, string]>([
  ['an error of the server', refusal(500), 'server'],
  ['a timeout', silence, 'timeout'],
  ['an HTML page', text(200, '<html></html>'), 'malformed'],
  ['no Result', success(), 'no-result'],
  ['a Result without a token', success({}), 'malformed'],
])('a login that ended in %s counts, and is not repeated at once', async (_what, answer, kind) => {
  const world = await startWorld();
  world.server.script('login', answer);
  const deadlines = holdDeadlines();
  const ended = errorOf(world.client.deleteUser(userId));
  await world.server.hasReceived('login', 1);
  if (answer === silence) deadlines.pass(10_000);
  expect(await ended).toMatchObject({ kind, operation: 'login' });
  expect(await errorOf(world.client.deleteUser(userId))).toMatchObject({
    kind: 'login-barred',
    operation: 'login',
    wasSent: false,
  });
  expect(operations(world)).toEqual(['login']);
});

test('no login is sent into an outage: Damoov has to answer something that costs nothing first', async () => {
  const world = await startWorld();
  world.server.script('create', refusal(503));
  await errorOf(world.client.createUser(instance, {}));
  world.server.script('find', refusal(503), refusal(401));
  expect(await errorOf(world.client.deleteUser(userId))).toMatchObject({
    kind: 'server',
    operation: 'login',
  });
  await world.client.deleteUser(userId);
  expect(operations(world)).toEqual(['create', 'find', 'find', 'login', 'delete']);
  expect(world.server.received[1]?.headers).not.toHaveProperty('authorization');
});

test('an outage is over once Damoov has answered anything, and not because a request was not even sent', async () => {
  const world = await startWorld();
  world.server.script('create', refusal(503), refusal(409), refusal(503));
  await errorOf(world.client.createUser(instance, {}));
  await errorOf(world.client.createUser(instance, {}));
  await world.client.deleteUser(userId);
  expect(operations(world)).toEqual(['create', 'create', 'login', 'delete']);

  const other = await startWorld();
  other.server.script('create', refusal(503));
  await errorOf(other.client.createUser(instance, {}));
  await errorOf(other.client.createUser(instance, {}, { maySend: () => false }));
  other.server.script('find', refusal(401));
  await other.client.deleteUser(userId);
  expect(operations(other)).toEqual(['create', 'find', 'login', 'delete']);
});

test('four logins an hour are the budget, and the fifth is barred without a request', async () => {
  const world = await startWorld();
  world.server.script('login', refusal(401));
  for (let login = 0; login < 4; login += 1) {
    await errorOf(world.client.deleteUser(userId));
    world.clock.now += 10 * minuteMs;
  }
  const barred = await errorOf(world.client.deleteUser(userId));
  expect(barred).toMatchObject({ kind: 'login-barred', operation: 'login', wasSent: false });
  expect(barred.retryAfterMs).toBe(20 * minuteMs);
  expect(world.server.count('login')).toBe(4);
  world.clock.now += 20 * minuteMs;
  world.server.script('login', tokens('token-1', 'refresh-1'));
  await world.client.deleteUser(userId);
});

test('a login that never left does not count', async () => {
  const world = await startWorld();
  await world.server.close();
  for (let login = 0; login < 6; login += 1) {
    expect(await errorOf(world.client.deleteUser(userId))).toMatchObject({ kind: 'network', wasSent: false });
  }
});

test('after a 429 nobody logs in for an hour, or for as long as Retry-After says', async () => {
  for (const [headers, ms] of [
    [{}, 60 * minuteMs],
    [{ 'retry-after': '90' }, 90_000],
    [{ 'retry-after': '0' }, 60 * minuteMs],
  ] as [Record<string, string>, number][]) {
    const world = await startWorld();
    world.server.script('login', refusal(429, [], headers), tokens('token-1', 'refresh-1'));
    expect(await errorOf(world.client.deleteUser(userId))).toMatchObject({
      kind: 'login-barred',
      status: 429,
      retryAfterMs: ms,
    });
    world.clock.now += ms - 1;
    expect(await errorOf(world.client.deleteUser(userId))).toMatchObject({
      kind: 'login-barred',
      retryAfterMs: 1,
    });
    world.clock.now += 1;
    await world.client.deleteUser(userId);
    expect(operations(world)).toEqual(['login', 'login', 'delete']);
  }
});

test('while no login is allowed a token that still lives is used on', async () => {
  const sessionStore = inMemorySessionStore();
  const loginBudget: LoginBudget = {
    ...unlimited(),
    take: async () => ({ granted: false, retryAfterMs: 1 }),
  };
  const world = await startWorld({ sessionStore, loginBudget });
  const obtainedAt = world.clock.now;
  await sessionStore.save({ accessToken: 'kept', obtainedAt, expiresAt: obtainedAt + minuteMs });
  world.clock.now += minuteMs - 1;
  await world.client.deleteUser(userId);
  expect(world.server.received.at(-1)?.headers['Authorization']).toBe('Bearer kept');
});

test('a refresh token that was refused is not sent again, and the access token serves to its end', async () => {
  const loginBudget: LoginBudget = {
    ...unlimited(),
    take: async () => ({ granted: false, retryAfterMs: 1 }),
  };
  const sessionStore = inMemorySessionStore();
  const world = await startWorld({ sessionStore, loginBudget });
  world.server.script('refresh', refusal(401));
  const obtainedAt = world.clock.now;
  const pair = {
    accessToken: 'kept',
    refreshToken: 'spent',
    obtainedAt,
    expiresAt: obtainedAt + 60 * minuteMs,
  };
  await sessionStore.save(pair);
  for (const minutes of [56, 2, 1]) {
    world.clock.now += minutes * minuteMs;
    await world.client.deleteUser(userId);
  }
  expect(operations(world)).toEqual(['refresh', 'delete', 'delete', 'delete']);
  world.clock.now += minuteMs;
  expect(await errorOf(world.client.deleteUser(userId))).toMatchObject({ kind: 'login-barred' });
});

test('a pair that only a login can replace serves to its end, and no login is spent before', async () => {
  const kept = inMemorySessionStore();
  let loads = 0;
  const sessionStore = { ...kept, load: () => ((loads += 1), kept.load()) };
  const world = await startWorld({ sessionStore });
  const obtainedAt = world.clock.now;
  await sessionStore.save({ accessToken: 'kept', obtainedAt, expiresAt: obtainedAt + minuteMs });
  world.clock.now += minuteMs - 1;
  await world.client.ensureSession();
  await world.client.ensureSession();
  // There is nothing to renew, and so nothing to ask the store again.
  expect([operations(world), loads]).toEqual([[], 1]);
  world.clock.now += 1;
  await world.client.ensureSession();
  expect(operations(world)).toEqual(['login']);
});

test('a pair of which neither token is good any more is forgotten, also where the login fails', async () => {
  const sessionStore = inMemorySessionStore();
  const world = await startWorld({ sessionStore });
  await world.client.ensureSession();
  world.server.script('refresh', refusal(401));
  world.server.script('login', refusal(401));
  world.clock.now += dayMs;
  await errorOf(world.client.ensureSession());
  expect(await sessionStore.load()).toBeUndefined();
});

test('a pair that the store has lost is renewed all the same, with no login', async () => {
  const sessionStore = inMemorySessionStore();
  const world = await startWorld({ sessionStore });
  await world.client.ensureSession();
  sessionStore.load = async () => undefined;
  world.server.script('refresh', tokens('token-2', 'refresh-2'));
  world.clock.now += dayMs;
  await world.client.ensureSession();
  expect(operations(world)).toEqual(['login', 'refresh']);
});

test('what another process has stored since is what is renewed, also once it has expired', async () => {
  const sessionStore = inMemorySessionStore();
  const world = await startWorld({ sessionStore });
  const other = await startWorld({ sessionStore, baseUrl: world.server.url });
  await world.client.ensureSession();
  world.server.script('refresh', tokens('token-2', 'refresh-2'), tokens('token-3', 'refresh-3'));
  other.clock.now += dayMs;
  await other.client.ensureSession();
  world.clock.now += 3 * dayMs;
  await world.client.ensureSession();
  expect(operations(world)).toEqual(['login', 'refresh', 'refresh']);
  expect(world.server.received.at(-1)?.body).toBe('{"AccessToken":"token-2","RefreshToken":"refresh-2"}');
});

test('one caller who gives up does not end the login for the others', async () => {
  const world = await startWorld();
  const slow = gated(tokens('token-1', 'refresh-1'));
  world.server.script('login', slow.answer);
  const stop = new AbortController();
  const impatient = errorOf(world.client.updateUser(userId, { phone: 'x' }, { signal: stop.signal }));
  const patient = world.client.deleteUser(userId);
  await world.server.hasReceived('login', 1);
  stop.abort();
  expect(await impatient).toMatchObject({ kind: 'aborted', operation: 'update', mayHaveBeenApplied: false });
  slow.open();
  await patient;
  expect(operations(world)).toEqual(['login', 'delete']);
});

test('processes that share a store with a lease renew one after the other, and the second uses what the first got', async () => {
  const store = leasedStore();
  const world = await startWorld({ sessionStore: store });
  const other = await startWorld({ baseUrl: world.server.url, sessionStore: store });
  await Promise.all([world.client.deleteUser(userId), other.client.deleteUser(userId)]);
  expect(operations(world)).toEqual(['login', 'delete', 'delete']);
});

test('an early renewal by another process keeps nobody waiting: the pair at hand serves meanwhile', async () => {
  const store = leasedStore();
  const world = await startWorld({ sessionStore: store });
  const other = await startWorld({ baseUrl: world.server.url, sessionStore: store });
  await world.client.deleteUser(userId);
  const slow = gated(tokens('token-2', 'refresh-2'));
  world.server.script('refresh', slow.answer);
  world.clock.now += dayMs - minuteMs;
  other.clock.now = world.clock.now;
  const renewing = world.client.deleteUser(userId);
  await world.server.hasReceived('refresh', 1);
  await other.client.deleteUser(userId);
  expect(world.server.received.at(-1)?.headers['Authorization']).toBe('Bearer token-1');
  slow.open();
  await renewing;
  expect(operations(world)).toEqual(['login', 'delete', 'refresh', 'delete', 'delete']);
});

test('a token rejected while another process renews it early is waited for, not used again', async () => {
  const store = leasedStore();
  const world = await startWorld({ sessionStore: store });
  const other = await startWorld({ baseUrl: world.server.url, sessionStore: store });
  await world.client.deleteUser(userId);
  const slow = gated(tokens('token-2', 'refresh-2'));
  world.server.script('refresh', slow.answer);
  world.server.script('delete', onlyFor('token-2', success()));
  world.clock.now += dayMs - minuteMs;
  other.clock.now = world.clock.now;
  const renewing = world.client.ensureSession();
  await world.server.hasReceived('refresh', 1);
  const rejected = other.client.deleteUser(userId);
  await world.server.hasReceived('delete', 2);
  slow.open();
  await Promise.all([renewing, rejected]);
  expect(world.server.count('refresh')).toBe(1);
  expect(world.server.count('login')).toBe(1);
});

test('a token rejected while its early renewal turns out to be under way elsewhere is not handed out again', async () => {
  const kept = inMemorySessionStore();
  const { promise: isFree, resolve: free } = Promise.withResolvers<void>();
  const sessionStore: SessionStore = {
    ...kept,
    async exclusively(renew, { waits }) {
      if (waits) return renew();
      await isFree;
      return undefined;
    },
  };
  const world = await startWorld({ sessionStore });
  await world.client.ensureSession();
  const slow = gated(refusal(401));
  world.server.script('delete', slow.answer, onlyFor('token-2', success()));
  world.server.script('refresh', tokens('token-2', 'refresh-2'));
  const rejected = world.client.deleteUser(userId);
  await world.server.hasReceived('delete', 1);
  world.clock.now += dayMs - minuteMs;
  const early = world.client.updateUser(userId, { phone: 'x' });
  const hasLooked = Promise.withResolvers<void>();
  sessionStore.load = () => {
    hasLooked.resolve();
    return kept.load();
  };
  slow.open();
  // The other call has begun an early renewal by now, and this one looks into the store again and joins it.
  await hasLooked.promise;
  free();
  await Promise.all([rejected, early]);
  expect(world.server.count('login')).toBe(1);
  expect(world.server.count('refresh')).toBe(1);
});

test('what is stored says which pair it takes the place of', async () => {
  const sessionStore = inMemorySessionStore();
  const world = await startWorld({ sessionStore });
  const obtainedAt = world.clock.now;
  await sessionStore.save({ accessToken: 'old', obtainedAt, expiresAt: obtainedAt + minuteMs });
  const replaced: (string | undefined)[] = [];
  const save = sessionStore.save.bind(sessionStore);
  sessionStore.save = (pair, over) => (replaced.push(over?.accessToken), save(pair));
  world.server.script('refresh', tokens('token-2', 'refresh-2'));
  for (let day = 0; day < 2; day += 1) {
    world.clock.now += dayMs;
    await world.client.ensureSession();
  }
  expect(operations(world)).toEqual(['login', 'refresh']);
  expect(replaced).toEqual(['old', 'token-1']);
});

test('the store is asked when the session is due or rejected, not for every call', async () => {
  const kept = inMemorySessionStore();
  let loads = 0;
  const sessionStore = { ...kept, load: () => ((loads += 1), kept.load()) };
  const world = await startWorld({ sessionStore });
  await world.client.deleteUser(userId);
  const loadsAtFirst = loads;
  for (let call = 0; call < 5; call += 1) await world.client.deleteUser(userId);
  expect(loads).toBe(loadsAtFirst);
});

test('after a crash between a refresh and its storing the token serves to its end, then there is one login', async () => {
  const sessionStore = inMemorySessionStore();
  const dying = await startWorld({ sessionStore });
  await dying.client.ensureSession();
  dying.server.script('refresh', tokens('lost', 'lost'), refusal(401));
  const now = dying.clock.now + dayMs - minuteMs;
  dying.clock.now = now;
  const save = sessionStore.save.bind(sessionStore);
  sessionStore.save = async () => {
    throw new Error('killed');
  };
  await dying.client.ensureSession();
  sessionStore.save = save;

  const world = await startWorld({ sessionStore, baseUrl: dying.server.url });
  world.clock.now = now;
  for (let call = 0; call < 3; call += 1) await world.client.deleteUser(userId);
  expect(operations(dying)).toEqual(['login', 'refresh', 'refresh', 'delete', 'delete', 'delete']);
  dying.server.script('login', tokens('token-3', 'refresh-3'));
  world.clock.now += minuteMs;
  for (let call = 0; call < 3; call += 1) await world.client.deleteUser(userId);
  expect(operations(dying).slice(6)).toEqual(['login', 'delete', 'delete', 'delete']);
});

test('a pair that could not be stored serves the process that holds it, and is refreshed', async () => {
  const sessionStore = inMemorySessionStore();
  const world = await startWorld({ sessionStore });
  await world.client.ensureSession();
  const save = sessionStore.save.bind(sessionStore);
  sessionStore.save = async () => {
    throw new Error('no room');
  };
  world.server.script('refresh', tokens('token-2', 'refresh-2'), tokens('token-3', 'refresh-3'));
  world.clock.now += dayMs;
  await expect(world.client.deleteUser(userId)).rejects.toThrow('no room');
  await world.client.deleteUser(userId);
  sessionStore.save = save;
  world.clock.now += dayMs;
  await world.client.deleteUser(userId);
  expect(operations(world)).toEqual(['login', 'refresh', 'delete', 'refresh', 'delete']);
  expect(world.server.received[3]?.body).toBe('{"AccessToken":"token-2","RefreshToken":"refresh-2"}');
});

test('a store whose lease fails at once does not block later renewals', async () => {
  const store = leasedStore();
  let isDown = true;
  const world = await startWorld({
    sessionStore: {
      ...store,
      exclusively: (renew, options) => {
        if (isDown) throw new Error('the store is down');
        return store.exclusively(renew, options);
      },
    },
  });
  await expect(world.client.deleteUser(userId)).rejects.toThrow('the store is down');
  isDown = false;
  await world.client.deleteUser(userId);
});

test.each([
  ['a string', { AccessToken: { Token: 't', ExpiresIn: 60 }, RefreshToken: 'r' }],
  ['an object', { AccessToken: { Token: 't', ExpiresIn: 60 }, RefreshToken: { Token: 'r' } }],
])('a refresh token may come as %s', async (_what, result) => {
  const store = inMemorySessionStore();
  const world = await startWorld({ sessionStore: store });
  world.server.script('login', json(200, { Result: result, Status: 200 }));
  await world.client.ensureSession();
  expect(await store.load()).toEqual({
    accessToken: 't',
    refreshToken: 'r',
    obtainedAt: world.clock.now,
    expiresAt: world.clock.now + 60_000,
  });
});

function unlimited(): LoginBudget {
  return { take: async () => ({ granted: true }), bar: async () => {} };
}

function leasedStore(): SessionStore & Required<Pick<SessionStore, 'exclusively'>> {
  let last: Promise<unknown> | undefined;
  return {
    ...inMemorySessionStore(),
    async exclusively(renew, { waits }) {
      if (last !== undefined && !waits) return undefined;
      const mine = (last ?? Promise.resolve()).then(renew);
      const done = mine.catch(() => {});
      last = done;
      void done.finally(() => {
        if (last === done) last = undefined;
      });
      return mine;
    },
  };
}
