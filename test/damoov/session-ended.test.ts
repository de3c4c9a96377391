import { describe, expect, test } from 'vitest';
import type { LoginBudget } from '../../src/damoov/login-budget.ts';
import { inMemorySessionStore } from '../../src/damoov/session-store.ts';
import { refusal, success, tokens } from './scripted-server.ts';
import { errorOf, startWorld, userId } from './world.ts';
import { dayMs, minuteMs, onlyFor, operations, unlimited } from './session-world.ts';

describe('a session that Damoov ends', () => {
  /** A client with a session, whose budget counts the reported revocations. */
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
