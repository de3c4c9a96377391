import { expect, test } from 'vitest';

import type { DamoovErrorKind, DamoovFault } from '../../src/damoov/errors.ts';
import { hangUp, hiddenRefusal, json, refusal, success, text } from './scripted-server.ts';
import { errorOf, errorsOf, instance, startWorld, userId } from './world.ts';

const statuses: [number, DamoovErrorKind, boolean][] = [
  [400, 'rejected', false],
  [403, 'forbidden', false],
  [404, 'not-found', false],
  [408, 'timeout', true],
  [409, 'conflict', false],
  [418, 'rejected', false],
  [419, 'rejected', false],
  [422, 'rejected', false],
  [429, 'rate-limited', false],
  [500, 'server', true],
  [502, 'server', true],
  [599, 'server', true],
];

test.each(statuses)('HTTP %i is %s; may have been applied: %s', async (status, kind, mayHaveBeenApplied) => {
  const { server, client } = await startWorld();
  server.script('update', refusal(status));
  server.script('create', refusal(status));
  server.script('delete', text(status, ''));
  for (const error of await errorsOf(
    client.updateUser(userId, { firstName: 'x' }),
    client.createUser(instance, {}),
    client.deleteUser(userId),
  )) {
    expect(error).toMatchObject({ kind, status, mayHaveBeenApplied, wasSent: true });
  }
});

test.each(statuses)(
  'an envelope Status of %i under HTTP 200 is %s as well',
  async (status, kind, mayHaveBeenApplied) => {
    const { server, client } = await startWorld();
    server.script('create', hiddenRefusal(status));
    server.script('delete', hiddenRefusal(status));
    for (const error of await errorsOf(client.createUser(instance, {}), client.deleteUser(userId))) {
      expect(error).toMatchObject({ kind, status, mayHaveBeenApplied });
    }
  },
);

test('a 404 is asked about until another answer has shown that the API exists', async () => {
  const { server, client } = await startWorld();
  server.script('create', refusal(404));
  server.script('find', refusal(404), refusal(500), refusal(401));
  const kinds: DamoovErrorKind[] = [];
  for (let n = 0; n < 5; n += 1) kinds.push((await errorOf(client.createUser(instance, {}))).kind);
  expect(kinds).toEqual(['wrong-base-url', 'not-found', 'not-found', 'not-found', 'not-found']);
  expect(server.count('find')).toBe(3);
});

test.each([
  [300, '', 'server'],
  [302, '', 'server'],
  [301, '{"Status":301}', 'server'],
  [400, '<html>Bad gateway configuration</html>', 'server'],
  [403, '<html>Access denied by the firewall</html>', 'server'],
  [404, 'no such route', 'server'],
  // JSON, and not Damoov's envelope.
  [404, '{"Status":"Not Found","Title":"nginx"}', 'server'],
  [404, '{"status":1.5}', 'server'],
  [403, '{"message":"Forbidden"}', 'server'],
  [400, '[{"Status":400}]', 'server'],
  [400, '"Status"', 'server'],
  [413, '<html></html>', 'server'],
  [503, '<html></html>', 'server'],
  [429, '<html>Slow down</html>', 'rate-limited'],
  [408, '<html></html>', 'timeout'],
] as const)(
  'HTTP %i with a page of somebody in between (%j) is %s: nothing is decided',
  async (status, page, kind) => {
    const { server, client } = await startWorld();
    for (const operation of ['create', 'update', 'find'] as const)
      server.script(operation, text(status, page));
    for (const error of await errorsOf(
      client.createUser(instance, {}),
      client.updateUser(userId, { firstName: 'x' }),
      client.findUsers({ clientId: 'c' }),
    )) {
      expect(error).toMatchObject({ kind, status });
    }
  },
);

test('a page of somebody in between is no decision either where it is longer than a megabyte', async () => {
  const { server, client } = await startWorld();
  for (const status of [400, 403, 404, 422]) {
    for (const operation of ['create', 'update', 'delete', 'find'] as const)
      server.script(operation, text(status, `<html>${'x'.repeat(1024 * 1024)}</html>`));
    for (const error of await errorsOf(
      client.createUser(instance, {}),
      client.updateUser(userId, { firstName: 'x' }),
      client.deleteUser(userId),
      client.findUsers({ clientId: 'c' }),
    )) {
      expect(error).toMatchObject({ kind: 'server', status });
    }
  }
});

test.each(['not-a-uuid', '../users', '7', '0'.repeat(900)])(
  'a create answered with the DeviceToken %j is malformed: it would go into paths and events',
  async (deviceToken) => {
    const { server, client } = await startWorld();
    server.script('create', success({ DeviceToken: deviceToken }));
    expect(await errorOf(client.createUser(instance, {}))).toMatchObject({ kind: 'malformed' });
  },
);

test('a Status that no HTTP knows says nothing, and none at all is that of HTTP', async () => {
  const { server, client } = await startWorld();
  server.script('create', hiddenRefusal(600), json(201, { Result: { DeviceToken: userId } }));
  expect(await errorOf(client.createUser(instance, {}))).toMatchObject({ kind: 'malformed', status: 600 });
  expect(await client.createUser(instance, {})).toMatchObject({ userId, status: 201 });
});

test('an answer of a megabyte is read, and a longer one is not waited for', async () => {
  const { server, client } = await startWorld({ connections: 1 });
  const body = JSON.stringify({ Status: 200, Result: { DeviceToken: userId } });
  const whole = body.padEnd(1024 * 1024);
  server.script(
    'create',
    text(200, whole),
    (response) => void response.writeHead(200).write(`${whole} `),
    text(200, body),
  );
  expect(await client.createUser(instance, {})).toMatchObject({ userId });
  expect(await errorOf(client.createUser(instance, {}))).toMatchObject({ kind: 'malformed' });
  // The one connection is not left to the rest of that answer.
  expect(await client.createUser(instance, {})).toMatchObject({ userId });
});

test('the HTTP status counts before the envelope', async () => {
  const { server, client } = await startWorld();
  server.script('create', json(503, { Result: { DeviceToken: userId }, Status: 200 }));
  expect(await errorOf(client.createUser(instance, {}))).toMatchObject({ kind: 'server', status: 503 });
});

test('a 401 to a create is thrown: no login, no second create', async () => {
  const { server, client } = await startWorld();
  server.script('create', refusal(401));
  expect(await errorOf(client.createUser(instance, {}))).toMatchObject({
    kind: 'unauthorized',
    operation: 'create',
  });
  expect(server.received.map(({ operation }) => operation)).toEqual(['create']);
});

test.each([
  ['an HTML page', '<html></html>'],
  ['nothing', ''],
  ['blanks', ' \n'],
  ['a JSON text', '"ok"'],
  ['a JSON array', '[]'],
  ['an object that is no envelope', '{"message":"hello"}'],
  ['a Status that is no number', '{"Status":"fine","Result":{"DeviceToken":"x"}}'],
  ['a Status of 0', '{"Status":0,"Result":{"DeviceToken":"x"}}'],
  ['a Result without DeviceToken', '{"Status":200,"Result":{}}'],
  ['a Result that is no object', '{"Status":200,"Result":"x"}'],
  ['a body cut short', '{"Status":200,"Result":{"Devi'],
  ['more than a megabyte', `{"Status":200,"Result":{"DeviceToken":"${'x'.repeat(1024 * 1024)}"}}`],
])('a create answered 200 with %s is malformed and may have been applied', async (_what, body) => {
  const { server, client } = await startWorld();
  server.script('create', text(200, body));
  expect(await errorOf(client.createUser(instance, {}))).toMatchObject({
    kind: 'malformed',
    mayHaveBeenApplied: true,
  });
});

test.each(['{"Status":200,"Title":"","Errors":[]}', '{"Result":null,"Status":200}'])(
  'a create answered with %s has no result and may have been applied',
  async (body) => {
    const { server, client } = await startWorld();
    server.script('create', text(200, body));
    expect(await errorOf(client.createUser(instance, {}))).toMatchObject({
      kind: 'no-result',
      status: 200,
      mayHaveBeenApplied: true,
    });
  },
);

test.each([
  [200, ''],
  [200, ' \r\n'],
  [204, ''],
  [202, '{"Status":202}'],
])('an update or a deletion answered %i with the body %j is done', async (status, body) => {
  const { server, client } = await startWorld();
  server.script('update', text(status, body));
  server.script('delete', text(status, body));
  expect(await client.updateUser(userId, { firstName: 'x' })).toEqual({ status, hadResultNull: false });
  expect(await client.deleteUser(userId)).toEqual({ status, hadResultNull: false });
});

test.each(['<html>Please log in</html>', '"ok"', '{}', 'x'.repeat(1024 * 1024 + 1)])(
  'an update or a deletion answered 200 with something else than an envelope is malformed (%#)',
  async (body) => {
    const { server, client } = await startWorld();
    server.script('update', text(200, body));
    server.script('delete', text(200, body));
    for (const error of await errorsOf(
      client.updateUser(userId, { firstName: 'x' }),
      client.deleteUser(userId),
    )) {
      expect(error).toMatchObject({ kind: 'malformed', mayHaveBeenApplied: true });
    }
  },
);

test('a find that cannot be read never looks like a find that found nobody', async () => {
  const { server, client } = await startWorld();
  const answers: [Parameters<typeof success>[0], DamoovErrorKind][] = [
    [undefined, 'no-result'],
    [null, 'no-result'],
    [{}, 'malformed'],
    [[{ Status: 'Active' }], 'malformed'],
    [[null], 'malformed'],
  ];
  for (const [result, kind] of answers) {
    server.script('find', success(result));
    expect(await errorOf(client.findUsers({ clientId: 'x' }))).toMatchObject({
      kind,
      mayHaveBeenApplied: false,
    });
  }
  server.script('find', text(204, ''));
  expect(await errorOf(client.findUsers({ clientId: 'x' }))).toMatchObject({ kind: 'malformed' });
});

test('a page that cannot be read never looks like a page with nobody on it, or like the last one', async () => {
  const { server, client } = await startWorld();
  const page = { Users: [{ DeviceToken: userId }], HasNextPage: false, TotalUsers: 1 };
  const answers: [unknown, DamoovErrorKind][] = [
    [undefined, 'no-result'],
    [{}, 'malformed'],
    [[], 'malformed'],
    [{ ...page, Users: undefined }, 'malformed'],
    [{ ...page, Users: [{ Status: 'Active' }] }, 'malformed'],
    [{ ...page, HasNextPage: undefined }, 'malformed'],
    [{ ...page, TotalUsers: null }, 'malformed'],
    [{ ...page, TotalUsers: -1 }, 'malformed'],
  ];
  for (const [result, kind] of answers) {
    server.script('page', success(result));
    expect(await errorOf(client.page({ pageNumber: 1, pageSize: 9 }))).toMatchObject({
      kind,
      operation: 'page',
      mayHaveBeenApplied: false,
    });
  }
  server.script('page', success(page));
  expect(await client.page({ pageNumber: 1, pageSize: 9 })).toMatchObject({ totalUsers: 1 });
});

test('the error keeps what Damoov said, and its message says what was attempted and for whom', async () => {
  const { server, client } = await startWorld();
  server.script('update', refusal(422, [{ Key: 'Phone', Message: 'is no phone number' }]));
  const error = await errorOf(client.updateUser(userId, { phone: '+1 202 555 0188' }));
  expect(error.errors).toEqual([{ key: 'Phone', message: 'is no phone number' }]);
  expect(error.message).toBe(
    `Damoov update of ${userId} was rejected (status 422): Phone: is no phone number`,
  );
});

test('the error of a create says so where there is no id yet, and has no Errors[] where Damoov gave none', async () => {
  const { server, client } = await startWorld();
  server.script('create', hangUp);
  const error = await errorOf(client.createUser(instance, { firstName: 'Ada' }));
  expect(error.message).toMatch(/^Damoov create of a user with no id yet failed on the network/);
  expect(error.errors).toEqual([]);
});

test.each<[unknown, DamoovFault[]]>([
  [[{ key: 'Phone', message: 'bad' }], [{ key: 'Phone', message: 'bad' }]],
  [['bad'], [{ key: '', message: 'bad' }]],
  [{ Phone: ['bad', 'wrong'] }, [{ key: 'Phone', message: 'bad, wrong' }]],
  [null, []],
  ['bad', [{ key: '', message: 'bad' }]],
  [422, [{ key: '', message: '…' }]],
  [[null, true, {}, { toString: 1 }, [['bad', { toString: 1 }]]], []],
  [[['bad', null]], [{ key: '', message: 'bad' }]],
  [[{ Key: { toString: 1 }, Message: ['bad', 7, null] }], [{ key: '', message: 'bad, …' }]],
  [
    { Phone: { toString: 1 }, Email: null },
    [
      { key: 'Phone', message: '' },
      { key: 'Email', message: '' },
    ],
  ],
])('Errors written as %j are understood', async (errors, expected) => {
  const { server, client } = await startWorld();
  server.script('create', refusal(400, errors));
  expect((await errorOf(client.createUser(instance, {}))).errors).toEqual(expected);
});

test('Retry-After is understood in seconds and as a date', async () => {
  const { server, client, clock } = await startWorld();
  const inTwoMinutes = new Date(clock.now + 120_000).toUTCString();
  for (const [header, retryAfterMs] of [
    ['7', 7_000],
    [inTwoMinutes, 120_000],
    ['soon', undefined],
  ] as const) {
    server.script('create', refusal(429, [], { 'retry-after': header }));
    const error = await errorOf(client.createUser(instance, {}));
    expect(error).toMatchObject({ kind: 'rate-limited', mayHaveBeenApplied: false });
    expect(error.retryAfterMs).toBe(retryAfterMs);
  }
  server.script('create', refusal(503, [], { 'retry-after': '3' }));
  expect(await errorOf(client.createUser(instance, {}))).toMatchObject({
    kind: 'server',
    retryAfterMs: 3_000,
  });
});

test('without admin credentials only creates are possible', async () => {
  const { server, client } = await startWorld({ admin: undefined });
  expect(client.hasAdmin).toBe(false);
  await client.createUser(instance, {});
  const calls = [
    client.updateUser(userId, {}),
    client.deleteUser(userId),
    client.findUsers({ clientId: 'x' }),
    client.page({ pageNumber: 1, pageSize: 9 }),
    client.ensureSession(),
  ];
  for (const error of await errorsOf(...calls)) {
    expect(error).toMatchObject({ kind: 'no-admin', wasSent: false, mayHaveBeenApplied: false });
  }
  expect(server.received).toHaveLength(1);
});
