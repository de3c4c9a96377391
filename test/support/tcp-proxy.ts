/**
 * Stands between a client and a server and breaks their connection on demand. It knows bytes, no protocol.
 */
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { Socket } from 'node:net';
import { freePort } from '../../src/dev/free-port.ts';

export interface TcpProxy {
  readonly port: number;
  /** The target's URL, through the proxy. */
  readonly url: string;
  /** The server is away: every connection is dropped, new ones are refused. */
  sever(): Promise<void>;
  restore(): Promise<void>;
  /** The server is silent: connections stay, new ones are accepted, no byte passes in either direction. */
  stall(): void;
  resume(): void;
  /**
   * The server does what it was asked, the answer is lost: a request that contains the text reaches the server, and
   * once this has dealt with it the client's connection breaks, with no answer to this request or to any later one.
   * A request is what arrives in one piece; keep it small (Redis' scripts: name a key or an argument).
   * @returns when that has happened to this many requests; the next ones pass again.
   */
  dropReplies(times: number, to?: string): Promise<void>;
  /**
   * A request is slow: the next one that contains the text reaches the server only when the test says so, and so does all that the
   * client sends after it.
   * @returns once it has come: passes it on.
   */
  hold(text: string): Promise<() => void>;
  close(): Promise<void>;
}

interface Hold {
  readonly text: string;
  readonly came: (pass: () => void) => void;
}

interface Trap {
  readonly text: string;
  left: number;
  readonly done: () => void;
}

export async function startTcpProxy(target: string): Promise<TcpProxy> {
  const { hostname, port: targetPort } = new URL(target);
  const sockets = new Set<Socket>();
  const traps = new Set<Trap>();
  const holds = new Set<Hold>();
  let isStalled = false;

  const listener = createServer((client) => {
    const server = connect({ host: hostname, port: Number(targetPort) });
    keep(client, server);
    keep(server, client);
    client.on('data', (request: Buffer) => {
      const trap = [...traps].find(({ text }) => request.includes(text));
      const hold = [...holds].find(({ text }) => request.includes(text));
      if (trap !== undefined) spring(trap, request, client, server);
      else if (hold !== undefined) stop(hold, request, client, server);
      else server.write(request);
    });
    server.on('data', (reply: Buffer) => client.write(reply));
  });

  /** Either end's close is the other's. */
  function keep(socket: Socket, peer: Socket): void {
    sockets.add(socket);
    if (isStalled) socket.pause();
    socket.setNoDelay();
    socket.on('error', () => undefined); // 'close' follows
    socket.once('close', () => {
      sockets.delete(socket);
      peer.destroy();
    });
  }

  /**
   * The server is told the end of the stream after the request: it answers, then closes. That close is the sign that
   * the request was dealt with, and it closes the client's connection.
   */
  function spring(trap: Trap, request: Buffer, client: Socket, server: Socket): void {
    trap.left -= 1;
    if (trap.left === 0) traps.delete(trap);
    client.removeAllListeners('data').resume();
    server.removeAllListeners('data').resume();
    server.end(request);
    server.once('close', () => {
      if (trap.left === 0) trap.done();
    });
  }

  function stop(hold: Hold, request: Buffer, client: Socket, server: Socket): void {
    holds.delete(hold);
    client.pause();
    hold.came(() => {
      server.write(request);
      client.resume();
    });
  }

  async function listen(port: number): Promise<void> {
    listener.listen(port, '127.0.0.1');
    await once(listener, 'listening');
  }

  async function sever(): Promise<void> {
    if (!listener.listening) return;
    listener.close();
    for (const socket of sockets) socket.destroy();
    await once(listener, 'close');
  }

  const port = await freePort();
  await listen(port);
  const url = new URL(target);
  url.hostname = '127.0.0.1';
  url.port = String(port);

  return {
    port,
    url: url.href,
    sever,
    restore: async () => listen(port),
    stall: () => {
      isStalled = true;
      for (const socket of sockets) socket.pause();
    },
    resume: () => {
      isStalled = false;
      for (const socket of sockets) socket.resume();
    },
    dropReplies: async (times, text = '') =>
      new Promise((done) => {
        traps.add({ text, left: times, done });
      }),
    hold: async (text) => new Promise((came) => holds.add({ text, came })),
    close: sever,
  };
}
