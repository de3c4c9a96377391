import { expect, test } from 'vitest';
import { inMemoryLoginBudget } from '../../src/damoov/login-budget.ts';
import { hangUp, refusal, silence, success, text, tokens, type Answer } from './scripted-server.ts';
import { errorOf, holdDeadlines, startWorld, userId, instance } from './world.ts';
import { minuteMs, operations, unlimited } from './session-world.ts';

test.each([400, 401, 403, 404, 422])('a login answered with %i is refused', async (status) => {
  const world = await startWorld();
  world.server.script('login', refusal(status));
  expect(await errorOf(world.client.deleteUser(userId))).toMatchObject({
    kind: 'login-refused',
    operation: 'login',
    status,
    mayHaveBeenApplied: false,
  });
  // After a 404 another request checks whether the API exists.
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
        // After the grant, and before the connection.
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

test('after a 429 no login is allowed for an hour, or for as long as Retry-After says', async () => {
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
