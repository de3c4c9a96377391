/**
 * Stands before the sandbox and has something happen there before some pages are read; everything passes.
 */
import { once } from 'node:events';
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { onTestFinished } from 'vitest';
import { forward } from './talkative-damoov.ts';

/** @param beforePage called with the number of the page, from 1, before it is read. */
export async function startShiftingPages(
  sandboxUrl: string,
  beforePage: (page: number) => Promise<unknown>,
): Promise<{ url: string }> {
  let pages = 0;
  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await text(request);
    if (request.url?.endsWith('/GetFilteredPage') === true) {
      pages += 1;
      await beforePage(pages);
    }
    const answer = await forward(sandboxUrl, request, body);
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
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}
