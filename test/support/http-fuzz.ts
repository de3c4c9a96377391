/**
 * Requests of all kinds, and what came back: as HTTP that a client may send, and as bytes that are none. Knows no route.
 */
import { METHODS, request } from 'node:http';
import { connect } from 'node:net';
import * as fc from 'fast-check';

export interface FuzzRequest {
  method: string;
  path: string;
  headers: Record<string, string>;
  body: string;
}

/** What the server said; status 0 where it hung up. */
export interface FuzzAnswer {
  status: number;
  text: string;
}

const visible = fc.string({
  unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code)),
});
const latin = fc.string({
  unit: fc
    .oneof(fc.integer({ min: 0x20, max: 0x7e }), fc.integer({ min: 0xa0, max: 0xff }))
    .map((code) => String.fromCharCode(code)),
});
const nasty = fc.constantFrom(
  '%',
  '%00',
  '%E0%A4%A',
  '%2e%2e%2f',
  '..',
  '//',
  '\\',
  '__proto__',
  'constructor',
  '\'"<script>',
  '{{7*7}}',
  '*',
  '9'.repeat(40),
  '-1',
  'NaN',
);
const piece = fc.oneof(nasty, visible);
/** Spaces and control characters end a path before a server ever sees it. */
const clean = (text: string) => text.replaceAll(/[^\x21-\x7e]/g, '');

/** @param words of which paths, queries, header names and bodies are made, besides what is random. */
export function requests(words: {
  paths: readonly string[];
  queries: readonly string[];
  headers: readonly string[];
  values: readonly string[];
  bodies: readonly string[];
}): fc.Arbitrary<FuzzRequest> {
  const path = fc
    .tuple(fc.constantFrom(...words.paths), fc.array(piece, { maxLength: 3 }))
    .map(([known, more]) => [known, ...more].join('/'));
  const name = fc.oneof(fc.constantFrom(...words.queries), piece);
  const value = fc.oneof(fc.constantFrom(...words.values), piece);
  const query = fc.array(fc.tuple(name, value), { maxLength: 4 });
  return fc.record({
    method: fc.oneof(
      { weight: 3, arbitrary: fc.constantFrom('GET', 'POST') },
      // A tunnel is no answer that a client of HTTP could read.
      { weight: 1, arbitrary: fc.constantFrom(...METHODS.filter((method) => method !== 'CONNECT')) },
    ),
    path: fc.tuple(path, query).map(([path, query]) => {
      const text = query.map(([name, value]) => `${name}=${value}`).join('&');
      return clean(text === '' ? path : `${path}?${text}`);
    }),
    headers: fc.dictionary(
      fc.constantFrom(...words.headers),
      fc.oneof(
        fc.constantFrom(...words.values),
        latin.map((text) => text.trim()),
      ),
      { maxKeys: 3 },
    ),
    body: fc.oneof(fc.constantFrom('', ...words.bodies), fc.json(), fc.string()),
  });
}

/** Resolves with whatever comes back. */
export async function send(url: string, { method, path, headers, body }: FuzzRequest): Promise<FuzzAnswer> {
  const { hostname, port } = new URL(url);
  const { promise, resolve } = Promise.withResolvers<FuzzAnswer>();
  const hungUp = () => resolve({ status: 0, text: '' });
  const sent = request({ hostname, port, method, path, headers, agent: false }, (response) => {
    let text = JSON.stringify(response.headers);
    response.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
    response.on('close', () => resolve({ status: response.statusCode ?? 0, text }));
  });
  sent.on('error', hungUp);
  sent.on('upgrade', hungUp);
  sent.end(['GET', 'HEAD'].includes(method) ? undefined : body);
  return promise;
}

/** Sends bytes as they are, and resolves with what comes back until the server hangs up or has answered. */
export async function sendBytes(url: string, bytes: Uint8Array): Promise<string> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port) });
  const { promise, resolve } = Promise.withResolvers<string>();
  let text = '';
  socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
  socket.on('error', () => {}); // 'close' follows
  socket.on('close', () => resolve(text));
  socket.end(bytes);
  return promise;
}

/** Paths of the code and its build: no answer may contain them. */
export const INSIDE = /\bat [^ ]+ \(|node_modules|file:\/\/|\.[jt]s:\d+:\d+|\/src\//;
