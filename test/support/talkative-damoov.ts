/**
 * Stands before the sandbox as a Damoov that repeats what it was told: some requests, by a word in their body, it refuses or
 * breaks off, with every value in its answer. It knows HTTP, no API.
 */
import { once } from 'node:events';
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { onTestFinished } from 'vitest';

/** By the word in the body of the request. */
export type Whim = 'refuse' | 'break' | 'hang up after';

export interface TalkativeDamoov {
  readonly url: string;
  readonly whims: Map<string, Whim>;
}

export async function startTalkativeDamoov(sandboxUrl: string): Promise<TalkativeDamoov> {
  const whims = new Map<string, Whim>();
  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await text(request);
    const [word, whim] = [...whims].find(([word]) => body.includes(word)) ?? [];
    const told = `${request.url} ${body}`;
    if (whim === 'refuse') {
      const Errors = [
        { Key: 'Email', Message: `The values ${told} are not valid.` },
        ...valuesIn(body).flatMap((value) => [
          { Key: 'Phone', Message: `'${value}' is taken by ${value.toUpperCase()}.` },
          { Key: value, Message: Buffer.from(value).toString('base64') },
        ]),
      ];
      response.writeHead(422, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ Status: 422, Title: 'One or more validation errors occurred.', Errors }));
      return;
    }
    if (whim === 'break') {
      response.writeHead(500, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ Status: 500, Title: told, Errors: [{ Key: '', Message: told }] }));
      return;
    }
    const answer = await forward(sandboxUrl, request, body);
    if (whim !== undefined && word !== undefined) {
      whims.delete(word);
      response.destroy();
      return;
    }
    response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? 'text/plain' });
    response.end(await answer.text());
  }
  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, whims };
}

/** Sends the request on, as it came. */
export async function forward(
  to: string,
  { url = '', method = 'GET', headers }: IncomingMessage,
  body: string,
) {
  const kept = Object.entries(headers).filter(([name]) => !OF_THE_CONNECTION.has(name));
  return fetch(to + url, {
    method,
    headers: kept.map(([name, value]): [string, string] => [name, String(value)]),
    ...(body !== '' && { body }),
  });
}
const OF_THE_CONNECTION = new Set(['host', 'connection', 'content-length', 'transfer-encoding']);

function valuesIn(body: string): string[] {
  const values: string[] = [];
  JSON.parse(body === '' ? '{}' : body, (_key, value: unknown) => {
    if (typeof value === 'string') values.push(value);
    return value;
  });
  return values;
}
