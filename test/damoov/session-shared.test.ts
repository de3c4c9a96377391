import { expect, test } from 'vitest';
import { inMemorySessionStore, type SessionStore } from '../../src/damoov/session-store.ts';
import { gated, json, refusal, success, tokens } from './scripted-server.ts';
import { errorOf, startWorld, userId } from './world.ts';
import { dayMs, minuteMs, onlyFor, operations } from './session-world.ts';

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
