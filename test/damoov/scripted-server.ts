/**
 * A small HTTP server that answers each operation with what the test scripted for it and remembers every request as it
 * came. It knows nothing of Damoov's behaviour beyond the seven addresses.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Server } from 'node:net';

import { onTestFinished } from 'vitest';

import type { DamoovOperation } from '../../src/damoov/errors.ts';

interface Received {
  readonly operation: DamoovOperation | undefined;
  readonly method: string;
  readonly url: string;
  /** In the casing in which they came, without those of the connection itself. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export type Answer = (response: ServerResponse, request: Received) => void | Promise<void>;

export interface ScriptedServer {
  readonly url: string;
  readonly received: Received[];
  /** The answers of one operation, in order; the last one is repeated. */
  script(operation: DamoovOperation, ...answers: [Answer, ...Answer[]]): void;
  /** Resolves once so many requests of the operation have come. */
  hasReceived(operation: DamoovOperation, count: number): Promise<void>;
  count(operation: DamoovOperation): number;
  /** How many connections were ever made. */
  connections(): number;
  close(): Promise<void>;
}

export async function scriptedServer(): Promise<ScriptedServer> {
  const received: Received[] = [];
  const scripts = new Map<DamoovOperation, Answer[]>();
  const waiting = new Set<() => void>();
  const count = (operation: DamoovOperation) => received.filter((one) => one.operation === operation).length;

  const serve = async (incoming: IncomingMessage, response: ServerResponse) => {
    let body = '';
    for await (const chunk of incoming) body += String(chunk);
    const { method = '', url = '' } = incoming;
    const operation = operationOf(method, url);
    const request = { operation, method, url, headers: ownHeaders(incoming.rawHeaders), body };
    received.push(request);
    for (const check of waiting) check();
    const answers = (operation && scripts.get(operation)) ?? [json(599, {})];
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    await answer?.(response, request);
  };
  let connections = 0;
  const server = createServer((incoming, response) => void serve(incoming, response));

  server.on('connection', () => {
    connections += 1;
  });

  const close = async () => {
    if (!server.listening) return;
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  };
  onTestFinished(close);

  return {
    url: await listen(server),
    received,
    script: (operation, ...answers) => void scripts.set(operation, [...answers]),
    hasReceived: (operation, wanted) =>
      new Promise((resolve) => {
        const check = () => {
          if (count(operation) < wanted) return;
          waiting.delete(check);
          resolve();
        };
        waiting.add(check);
        check();
      }),
    count,
    connections: () => connections,
    close,
  };
}

/** Starts a server on a free port; answers its URL. */
export async function listen(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('a port was to be had');
  return `http://127.0.0.1:${address.port}`;
}

function operationOf(method: string, url: string): DamoovOperation | undefined {
  const path = url.replace(/\?.*/, '');
  if (path.endsWith('/v1/Registration/create')) return 'create';
  if (path.endsWith('/v1/Auth/Login')) return 'login';
  if (path.endsWith('/v1/Auth/RefreshToken')) return 'refresh';
  if (path.endsWith('/v1/Management/users/find')) return 'find';
  if (path.endsWith('/v1/Management/users/GetFilteredPage')) return 'page';
  if (path.endsWith('/v1/Management/users/instances/change')) return 'move';
  if (path.endsWith('/v1/Management/users') && method === 'PUT') return 'update';
  return path.includes('/v1/Management/users/') && method === 'DELETE' ? 'delete' : undefined;
}

function ownHeaders(raw: readonly string[]): Record<string, string> {
  const pairs = raw.flatMap((name, at) => (at % 2 === 0 ? [[name, raw[at + 1] ?? ''] as const] : []));
  return Object.fromEntries(pairs.filter(([name]) => !/^(host|connection|content-length)$/i.test(name)));
}

/** An answer of any status, body and headers. */
export function text(status: number, body: string, headers: Record<string, string> = {}): Answer {
  return (response) => void response.writeHead(status, headers).end(body);
}

export function json(status: number, body: unknown, headers: Record<string, string> = {}): Answer {
  return text(status, JSON.stringify(body), { 'content-type': 'application/json', ...headers });
}

/** Damoov's success. */
export function success(result?: unknown): Answer {
  const envelope = { Status: 200, Title: '', Errors: [] };
  return json(200, result === undefined ? envelope : { Result: result, ...envelope });
}

/** Damoov's error. */
export function refusal(status: number, errors: unknown = [], headers: Record<string, string> = {}): Answer {
  return json(status, { Status: status, Title: 'An error', Errors: errors }, headers);
}

/** An error in the envelope of an HTTP 200. */
export function hiddenRefusal(status: number): Answer {
  return json(200, { Status: status, Title: 'An error', Errors: [] });
}

/** The connection ends instead of an answer. */
export const hangUp: Answer = (response) => void response.socket?.destroy();

/** No answer ever comes. */
export const silence: Answer = () => {};

/** Damoov's answer to a login or refresh. */
export function tokens(accessToken: string, refreshToken: string, expiresIn = 86_400): Answer {
  return success({ AccessToken: { Token: accessToken, ExpiresIn: expiresIn }, RefreshToken: refreshToken });
}

/** An answer that waits to be let through. */
export function gated(answer: Answer): { readonly answer: Answer; readonly open: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return {
    answer: async (response, request) => {
      await promise;
      await answer(response, request);
    },
    open: resolve,
  };
}
