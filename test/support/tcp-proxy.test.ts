import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, expect, inject, test } from 'vitest';
import { startTcpProxy } from './tcp-proxy.ts';
import type { TcpProxy } from './tcp-proxy.ts';

let proxy: TcpProxy;
let client: Redis; // through the proxy
let direct: Redis;
let key: string;

beforeEach(async () => {
  key = `tcp-proxy-test:${randomUUID()}`;
  proxy = await startTcpProxy(inject('redisUrl'));
  client = new Redis(proxy.url, { maxRetriesPerRequest: 0, retryStrategy: () => null, lazyConnect: true });
  client.on('error', () => undefined);
  direct = new Redis(inject('redisUrl'));
  await client.connect();
});

afterEach(async () => {
  client.disconnect();
  await proxy.close();
  await direct.del(key);
  direct.disconnect();
});

test('what the client says reaches the server, and the answer the client', async () => {
  await client.set(key, 'x'.repeat(1_000_000));
  expect((await client.get(key))?.length).toBe(1_000_000);
});

test('a severed connection is dropped and refused until it is restored', async () => {
  const dropped = once(client, 'end');
  await proxy.sever();
  await dropped;
  await expect(once(connect(proxy.port, '127.0.0.1'), 'connect')).rejects.toThrow('ECONNREFUSED');

  await proxy.restore();
  await client.connect();
  expect(await client.ping()).toBe('PONG');
});

test('a request whose reply is dropped has been carried out when the client learns of the loss', async () => {
  const dropped = proxy.dropReplies(1, key);
  expect(await client.ping()).toBe('PONG'); // not meant
  await expect(client.incr(key)).rejects.toThrow();
  await dropped;
  expect(await direct.get(key)).toBe('1');

  await client.connect();
  expect(await client.incr(key)).toBe(2);
});

test('a client that sends again until it gets a reply is heard as often as replies were dropped, and once more', async () => {
  const dropped = proxy.dropReplies(2, key);
  client.disconnect();
  client = new Redis(proxy.url, { retryStrategy: () => 1 });
  client.on('error', () => undefined);
  expect(await client.incr(key)).toBe(3);
  await dropped;
});

test('while stalled nothing passes and nothing is lost', async () => {
  proxy.stall();
  const answer = client.incr(key);
  expect(await direct.ping()).toBe('PONG');
  expect(await direct.get(key)).toBeNull();
  proxy.resume();
  expect(await answer).toBe(1);
});
