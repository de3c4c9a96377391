/**
 * Stands before the sandbox as a Damoov whose credentials are changed while it runs: users and sessions stay.
 */
import { once } from 'node:events';
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { onTestFinished } from 'vitest';
import { SANDBOX_CREDENTIALS } from '../../src/sandbox/server.ts';
import { forward } from './talkative-damoov.ts';

export interface ChangingCredentials {
  readonly url: string;
  /** What is accepted from now on. */
  instanceKey: string;
  adminPassword: string;
}

export async function startChangingCredentials(sandboxUrl: string): Promise<ChangingCredentials> {
  const { instanceKey, adminPassword } = SANDBOX_CREDENTIALS;
  const state = { url: '', instanceKey, adminPassword };
  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await text(request);
    const key = request.headers['instancekey'];
    if (key !== undefined)
      request.headers['instancekey'] = key === state.instanceKey ? instanceKey : 'refused';
    const login = request.url?.toLowerCase().endsWith('/auth/login')
      ? (JSON.parse(body) as { Password: string })
      : undefined;
    const isRight = login?.Password === state.adminPassword;
    const sent = login && JSON.stringify({ ...login, Password: isRight ? adminPassword : 'refused' });
    const told = await forward(sandboxUrl, request, sent ?? body);
    response.writeHead(told.status, { 'content-type': told.headers.get('content-type') ?? 'text/plain' });
    response.end(await told.text());
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
  return Object.assign(state, { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
}
