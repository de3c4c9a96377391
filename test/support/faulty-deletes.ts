/**
 * Stands between a worker and the sandbox and spoils the answers to DELETEs on demand; everything else passes.
 */
import { once } from 'node:events';
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { onTestFinished } from 'vitest';

export interface FaultyDeletes {
  readonly url: string;
  /** `lost`: carried out, and answered with 502; a status: answered with it, and not carried out. */
  fault: 'none' | 'lost' | number;
}

export async function startFaultyDeletes(target: string): Promise<FaultyDeletes> {
  const state: FaultyDeletes = { url: '', fault: 'none' };
  const pass = async ({ method = 'GET', url = '', headers }: IncomingMessage, body: Buffer) => {
    const { host: _host, connection: _connection, 'content-length': _length, ...rest } = headers;
    const init = { method, headers: rest as Record<string, string> };
    return fetch(`${target}${url}`, body.length > 0 ? { ...init, body: new Uint8Array(body) } : init);
  };
  const serve = async (request: IncomingMessage, response: ServerResponse) => {
    const body = await buffer(request);
    const fault = request.method === 'DELETE' ? state.fault : 'none';
    if (typeof fault === 'number') return response.writeHead(fault).end(`{"Status":${fault},"Errors":[]}`);
    const answer = await pass(request, body);
    const text = await answer.text();
    if (fault === 'lost') return response.writeHead(502).end();
    return response.writeHead(answer.status, { 'content-type': 'application/json' }).end(text);
  };
  const server = createServer((request, response) => {
    serve(request, response).catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return Object.assign(state, { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
}
