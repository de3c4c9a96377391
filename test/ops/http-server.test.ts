import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { listen } from '../../src/ops/http-server.ts';

const SHORT = { headersTimeout: 200, requestTimeout: 200, connectionsCheckingInterval: 50 };

async function start(limits = {}) {
  const asked: string[] = [];
  const server = await listen(
    { host: '127.0.0.1', port: 0 },
    async (request) => {
      asked.push(request.url);
      return new Response('answered');
    },
    limits,
  );
  onTestFinished(() => server.close());
  const open = () => {
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    let text = '';
    socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
    // A server that hangs up while something is sent to it.
    socket.on('error', () => {});
    const { promise: ended, resolve } = Promise.withResolvers<string>();
    socket.on('close', () => resolve(text));
    return { socket, ended };
  };
  return { ...server, asked, open };
}

describe('the HTTP server of operators', () => {
  it('hangs up on who never comes to the end of the headers', async () => {
    const { open, asked } = await start(SHORT);
    const { socket, ended } = open();
    const trickle = setInterval(() => socket.write('x-more: y\r\n'), 20);
    onTestFinished(() => clearInterval(trickle));
    socket.write('GET /slow HTTP/1.1\r\nhost: a\r\n');
    expect(await ended).toMatch(/^HTTP\/1.1 408|^$/);
    expect(asked).toEqual([]);
  });

  it('hangs up on who never comes to the end of the body', async () => {
    const { open } = await start(SHORT);
    const { socket, ended } = open();
    socket.write('POST /slow HTTP/1.1\r\nhost: a\r\ncontent-length: 1000000\r\n\r\n');
    const trickle = setInterval(() => socket.write('x'), 20);
    onTestFinished(() => clearInterval(trickle));
    // The answer comes at once; what is tested is that there is an end.
    expect(await ended).toBeTypeOf('string');
  });

  it('refuses headers that are larger than anybody needs', async () => {
    const { open, asked } = await start();
    const { socket, ended } = open();
    socket.write(`GET / HTTP/1.1\r\nhost: a\r\nx: ${'y'.repeat(9000)}\r\n\r\n`);
    expect(await ended).toMatch(/^HTTP\/1.1 431/);
    expect(asked).toEqual([]);
  });

  it('answers the others while some are slow', async () => {
    const { open, url } = await start();
    const slow = Array.from({ length: 50 }, () => open().socket);
    await Promise.all(slow.map((socket) => once(socket, 'connect')));
    for (const socket of slow) socket.write('GET / HTTP/1.1\r\nhost: a\r\n');
    expect(await (await fetch(url)).text()).toBe('answered');
  });

  it('answers a newcomer however many hold on to their connections', async () => {
    const { open, url } = await start();
    const held = Array.from({ length: 250 }, () => open());
    await Promise.all(held.map(({ socket }) => once(socket, 'connect')));
    expect(await (await fetch(url)).text()).toBe('answered');
    // The oldest went for it.
    await held[0]?.ended;
    expect(held.at(-1)?.socket.closed).toBe(false);
  });

  it('listens only on this machine, unless configured otherwise', async () => {
    const { url } = await start();
    expect(new URL(url).hostname).toBe('127.0.0.1');
  });
});
