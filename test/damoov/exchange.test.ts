import { getEventListeners } from 'node:events';
import { createServer } from 'node:net';
import type { Socket } from 'node:net';

import { Pool } from 'undici';
import { expect, onTestFinished, test, vi } from 'vitest';

import { exchange } from '../../src/damoov/exchange.ts';
import { gated, hangUp, listen, silence, success } from './scripted-server.ts';
import type { Answer } from './scripted-server.ts';
import { errorOf, errorsOf, holdDeadlines, instance, startWorld, userId } from './world.ts';

test.each<[string, Answer]>([
  ['does not answer', silence],
  ['begins to answer and does not end', (response) => void response.writeHead(200).write('{"Status":')],
])('a server that %s in time is a timeout, and the write may have been applied', async (_how, answer) => {
  const { server, client } = await startWorld({ timeoutMs: 3_000 });
  server.script('create', answer);
  const deadlines = holdDeadlines();
  const ended = errorOf(client.createUser(instance, {}));
  await server.hasReceived('create', 1);
  deadlines.pass(3_000);
  expect(await ended).toMatchObject({ kind: 'timeout', wasSent: true, mayHaveBeenApplied: true });
});

test('an abort ends the wait for the answer, and the write may have been applied', async () => {
  const { server, client } = await startWorld({ connections: 1 });
  server.script('create', silence, success({ DeviceToken: userId }));
  const stop = new AbortController();
  const ended = errorOf(client.createUser(instance, {}, { signal: stop.signal }));
  await server.hasReceived('create', 1);
  stop.abort();
  expect(await ended).toMatchObject({ kind: 'aborted', wasSent: true, mayHaveBeenApplied: true });
  // The only connection does not wait for an unwanted answer.
  await client.createUser(instance, {});
});

test('a call that has ended leaves no timer behind', async () => {
  const { client } = await startWorld();
  const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
  const before = timers();
  await client.createUser(instance, {});
  // The deadline's own would stay for ten seconds; timers of others come and go.
  await expect.poll(timers, { timeout: 5000 }).toBeLessThanOrEqual(before);
});

test('a client that is closed leaves no timer behind', async () => {
  const { client } = await startWorld();
  holdDeadlines();
  await client.close(60_000);
  expect(vi.getTimerCount()).toBe(0);
});

test('a signal that fired before sends nothing', async () => {
  const { server, client } = await startWorld();
  const signal = AbortSignal.abort();
  for (const error of await errorsOf(
    client.createUser(instance, {}, { signal }),
    client.deleteUser(userId, { signal }),
    client.ensureSession({ signal }),
    client.page({ pageNumber: 1, pageSize: 1 }, { signal }),
    client.request({ operation: 'find', method: 'GET', path: '/' }, { signal }),
  )) {
    expect(error).toMatchObject({ kind: 'aborted', wasSent: false, mayHaveBeenApplied: false });
  }
  expect(server.received).toEqual([]);
});

test('a request that may no longer be sent is not, although its connection stands', async () => {
  const { server, client } = await startWorld();
  let asked = 0;
  const maySend = () => {
    asked += 1;
    return false;
  };
  for (const error of await errorsOf(
    client.createUser(instance, {}, { maySend }),
    client.deleteUser(userId, { maySend }),
  )) {
    expect(error).toMatchObject({ kind: 'aborted', wasSent: false, mayHaveBeenApplied: false });
  }
  expect(asked).toBe(2);
  expect(server.received.filter(({ operation }) => operation !== 'login')).toEqual([]);
});

test('a request whose deadline passed while its process was frozen is not sent, though no timer has fired', async () => {
  const { server, client } = await startWorld({ timeoutMs: 3_000 });
  holdDeadlines();
  const now = performance.now();
  // The clock of the process that wakes up: it jumps between the call and the moment of writing.
  const clock = vi
    .spyOn(performance, 'now')
    .mockReturnValueOnce(now)
    .mockReturnValue(now + 3_001);
  onTestFinished(() => clock.mockRestore());
  expect(await errorOf(client.createUser(instance, {}))).toMatchObject({ kind: 'timeout', wasSent: false });
  expect(server.received).toEqual([]);
});

test('a long-lived signal keeps no listener of a call that has ended', async () => {
  const { server, client } = await startWorld();
  const { signal } = new AbortController();
  await client.createUser(instance, {}, { signal });
  await client.updateUser(userId, { firstName: 'x' }, { signal });
  server.script('create', hangUp);
  await errorOf(client.createUser(instance, {}, { signal }));
  expect(getEventListeners(signal, 'abort')).toEqual([]);
});

test('a request given up while it waits for a connection is never written', async () => {
  const { server, client } = await startWorld({ connections: 1 });
  const first = gated(success({ DeviceToken: userId }));
  server.script('create', first.answer, success({ DeviceToken: userId }));
  const holding = client.createUser(instance, { nickname: 'first' });
  await server.hasReceived('create', 1);

  const stop = new AbortController();
  const queued = errorOf(client.createUser(instance, { nickname: 'queued' }, { signal: stop.signal }));
  stop.abort();
  expect(await queued).toMatchObject({ kind: 'aborted', wasSent: false, mayHaveBeenApplied: false });

  first.open();
  await holding;
  await client.createUser(instance, { nickname: 'last' });
  expect(server.received.map(({ body }) => JSON.parse(body).Nickname)).toEqual(['first', 'last']);
});

test('a deadline that passes in the queue is a timeout of a request that was never sent', async () => {
  const { server } = await startWorld();
  const pool = new Pool(server.url, { connections: 1 });
  onTestFinished(() => pool.destroy());
  const held = gated(success({ DeviceToken: userId }));
  server.script('create', held.answer);
  const request = { method: 'POST', path: '/v1/Registration/create', headers: {}, body: '{}' } as const;
  const deadlines = holdDeadlines();
  const holding = exchange(pool, request, { timeoutMs: 3_000 });
  await server.hasReceived('create', 1);
  const queued = exchange(pool, request, { timeoutMs: 1_000 });
  deadlines.pass(1_000);
  expect(await queued).toEqual({ failure: { kind: 'timeout', wasSent: false } });
  held.open();
  expect(await holding).toHaveProperty('answer.status', 200);
  expect(server.count('create')).toBe(1);
});

test('a refused connection is a network error of a request that was never sent', async () => {
  const { server, client } = await startWorld();
  await server.close();
  const error = await errorOf(client.createUser(instance, {}));
  expect(error).toMatchObject({ kind: 'network', wasSent: false, mayHaveBeenApplied: false });
  expect(error.cause).toMatchObject({
    code: 'ECONNREFUSED',
    message: expect.stringContaining('connect ECONNREFUSED 127.0.0.1'),
  });
});

test('a connection that breaks before the answer is a network error, and the write may have been applied', async () => {
  const { server, client } = await startWorld();
  server.script('create', hangUp);
  expect(await errorOf(client.createUser(instance, {}))).toMatchObject({
    kind: 'network',
    wasSent: true,
    mayHaveBeenApplied: true,
  });
  expect(server.count('create')).toBe(1);
});

test('a connection that breaks within the answer is a network error', async () => {
  const { server, client } = await startWorld();
  server.script('create', (response) => {
    response
      .writeHead(200, { 'content-length': '1000' })
      .write('{"Status":', () => response.socket?.destroy());
  });
  expect(await errorOf(client.createUser(instance, {}))).toMatchObject({
    kind: 'network',
    mayHaveBeenApplied: true,
  });
});

test.each(['create', 'update', 'delete', 'find'] as const)(
  'a %s on a kept connection that the server closes in that moment is sent once and not again',
  async (operation) => {
    const { server, client } = await startWorld({ connections: 1 });
    const call = {
      create: () => client.createUser(instance, {}),
      update: () => client.updateUser(userId, { firstName: 'x' }),
      delete: () => client.deleteUser(userId),
      find: () => client.findUsers({ clientId: 'x' }),
    }[operation];
    server.script(operation, success(operation === 'create' ? { DeviceToken: userId } : []), hangUp);
    await call();
    const sent = server.count(operation);
    expect(await errorOf(call())).toMatchObject({
      kind: 'network',
      wasSent: true,
      mayHaveBeenApplied: operation !== 'find',
    });
    expect(server.count(operation)).toBe(sent + 1);
    expect(server.connections()).toBe(1);
  },
);

test('an answer that is no HTTP is a network error whose cause holds none of its bytes', async () => {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('data', () => socket.write('secret-bytes that are no HTTP\r\n\r\n'));
  });
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { client } = await startWorld({ baseUrl: await listen(server) });
  const error = await errorOf(client.createUser(instance, {}));
  expect(error.kind).toBe('network');
  expect(error.cause).toMatchObject({ name: 'HTTPParserError' });
  expect(error.cause).not.toHaveProperty('data');
});

test('a key that cannot stand in a header is refused before anything is sent', async () => {
  const { server, client } = await startWorld();
  const error = await errorOf(client.createUser({ id: 'x', key: 'one\ntwo' }, {}));
  expect(error).toMatchObject({ kind: 'rejected', wasSent: false, mayHaveBeenApplied: false });
  expect(error.message).toContain('cannot be written as HTTP');
  expect(error.message).not.toContain('two');
  expect(server.received).toEqual([]);
});

test('close lets a request under way finish', async () => {
  const { server, client } = await startWorld();
  const slow = gated(success({ DeviceToken: userId }));
  server.script('create', slow.answer);
  const created = client.createUser(instance, {});
  await server.hasReceived('create', 1);
  const closed = client.close();
  slow.open();
  expect((await created).userId).toBe(userId);
  await closed;
});

test('close ends after its grace what does not end by itself, and later calls are aborted', async () => {
  const { server, client } = await startWorld({ connections: 1 });
  server.script('create', silence);
  const stuck = errorOf(client.createUser(instance, {}));
  const queued = errorOf(client.createUser(instance, {}));
  await server.hasReceived('create', 1);
  await client.close(10);
  expect(await stuck).toMatchObject({ kind: 'aborted', wasSent: true, mayHaveBeenApplied: true });
  expect(await queued).toMatchObject({ kind: 'aborted', wasSent: false, mayHaveBeenApplied: false });
  expect(await errorOf(client.createUser(instance, {}))).toMatchObject({ kind: 'aborted', wasSent: false });
  await client.close();
});
