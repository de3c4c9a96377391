/**
 * The sandbox: a simulator of the Damoov user API over plain HTTP, in memory. This file knows sockets and nothing of the API; the client
 * shares no code with it, so that they cannot share a mistake.
 */
import { once } from 'node:events';
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import { carryOut, endpointOf } from './api.ts';
import { CONTROLS_PATH, control } from './controls.ts';
import type { Answer } from './envelope.ts';
import { DROP } from './faults.ts';
import type { Call } from './request-log.ts';
import { parseRequest, parseTarget } from './request.ts';
import { type World, type WorldOptions, createWorld } from './world.ts';

export type { SandboxModes } from './modes.ts';
export { SANDBOX_CREDENTIALS } from './credentials.ts';

export interface SandboxOptions extends WorldOptions {
  /** Default 127.0.0.1: a sandbox with public credentials must not be exposed. */
  readonly host?: string;
  /** Default 0: any free port. */
  readonly port?: number;
}

export interface Sandbox {
  /** Without a slash at the end. */
  readonly url: string;
  readonly port: number;
  /** Stops listening and cuts every connection, active requests included. */
  close(): Promise<void>;
}

/** Longer than any client keeps an idle connection: only a drawn fault may reset a fresh request. */
const KEEP_ALIVE_MS = 120_000;

/**
 * Starts an independent sandbox. Rejects if it cannot listen on the port (the system's error) or a mode is bad (a RangeError that names
 * every one).
 */
export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const { host = '127.0.0.1', port = 0 } = options;
  const world = createWorld(options);
  const server = createServer((request, response) => receive(world, request, response));
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  server.listen(port, host);
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The sandbox listens on no TCP port.');
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${address.port}`,
    port: address.port,
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

function receive(world: World, request: IncomingMessage, response: ServerResponse): void {
  const { method = 'GET', url = '/' } = request;
  const { path } = parseTarget(url);
  if (path.startsWith(CONTROLS_PATH)) {
    collect(request, (text) => send(response, control(method, path, text, world)));
    return;
  }
  const endpoint = endpointOf(method, path);
  const call = world.log.open(endpoint.operation, world.clock());
  response.on('close', () => {
    if (call.endedAt === null) world.log.close(call, null, world.clock());
  });
  const read = endpoint.ignoresBody === true ? discard : collect;
  read(request, (text) => {
    const outcome = carryOut(endpoint, call, parseRequest(url, request.headers, text), world);
    const latencyMs = world.faults.latencyMs(world.modes);
    if (latencyMs === 0) deliver(world, call, response, outcome);
    else setTimeout(deliver, latencyMs, world, call, response, outcome).unref();
  });
}

/** More than any request of the API needs, in characters; a longer one is cut off. */
const MOST_TEXT = 1024 * 1024;

function collect(request: IncomingMessage, whenComplete: (text: string) => void): void {
  let text = '';
  request.setEncoding('utf8');
  request.on('data', (chunk: string) => {
    text += chunk;
    if (text.length > MOST_TEXT) request.destroy();
  });
  request.on('end', () => whenComplete(text));
}

/** Reads the body to its end: an earlier answer would be lost with the connection. */
function discard(request: IncomingMessage, whenComplete: (text: string) => void): void {
  request.on('end', () => whenComplete(''));
  request.resume();
}

function deliver(world: World, call: Call, response: ServerResponse, outcome: Answer | typeof DROP): void {
  // The caller hung up before the answer was sent.
  if (call.endedAt !== null) return;
  if (outcome === DROP) {
    world.log.close(call, null, world.clock());
    response.destroy();
    return;
  }
  // Logged before it is sent: the caller's next request must not arrive before the end of this one.
  world.log.close(call, outcome.status, world.clock());
  send(response, outcome);
}

function send(response: ServerResponse, { status, body, contentType, retryAfter }: Answer): void {
  const headers: Record<string, string | number> = { 'Content-Length': Buffer.byteLength(body) };
  if (contentType !== null) headers['Content-Type'] = contentType;
  if (retryAfter !== undefined) headers['Retry-After'] = retryAfter;
  response.writeHead(status, headers);
  response.end(body);
}
