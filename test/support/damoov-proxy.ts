/**
 * An HTTP proxy in front of the sandbox that a test lets refuse, change or delay requests. It knows HTTP, no API.
 */
import { once } from 'node:events';
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { onTestFinished } from 'vitest';

export interface ProxyAnswer {
  status: number;
  body: string;
}

/** Sends the request on, with this body, and returns the answer. */
export type Forward = (body: string) => Promise<ProxyAnswer>;

/** @param answer the answer to a request; undefined: the connection is broken off. Default: what the sandbox answers. */
export async function startDamoovProxy(
  sandboxUrl: string,
  answer: (request: IncomingMessage, body: string, forward: Forward) => Promise<ProxyAnswer | undefined>,
): Promise<string> {
  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const given = await answer(request, await text(request), (body) => forward(sandboxUrl, request, body));
    if (given === undefined) response.destroy();
    else response.writeHead(given.status, { 'content-type': 'application/json' }).end(given.body);
  }
  const server = createServer((request, response) => {
    serve(request, response).catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function forward(
  to: string,
  { url = '', method = 'GET', headers }: IncomingMessage,
  body: string,
): Promise<ProxyAnswer> {
  const kept = Object.entries(headers).filter(([name]) => !OF_THE_CONNECTION.has(name));
  const response = await fetch(to + url, {
    method,
    headers: kept.map(([name, value]): [string, string] => [name, String(value)]),
    ...(body !== '' && { body }),
  });
  return { status: response.status, body: await response.text() };
}
const OF_THE_CONNECTION = new Set(['host', 'connection', 'content-length', 'transfer-encoding']);
