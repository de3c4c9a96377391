/**
 * A Damoov of any number of users, all computed and none kept: login, pages and look-ups by clientId. For what would take the
 * sandbox too long to be told of.
 */
import { once } from 'node:events';
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

const CREATED = '2026-01-01T00:00:00.0000000';

export interface VastDamoov {
  url: string;
  close(): void;
}

/** Of the users 0 to `count - 1`, user n has the clientId `c-n`, the email `mail-n@example.com` and a phone, `+44 n`. */
export async function startVastDamoov(count: number): Promise<VastDamoov> {
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const result = await answerTo(request, count);
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ Result: result, Status: 200, Title: '', Errors: [] }));
  };
  const server = createServer((request, response) => void answer(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

async function answerTo(request: IncomingMessage, count: number): Promise<unknown> {
  const { pathname, searchParams } = new URL(request.url ?? '', 'http://damoov');
  const body = await text(request);
  if (pathname.endsWith('/Login')) {
    return { AccessToken: { Token: 'a-token', ExpiresIn: 86_400 }, RefreshToken: 'a-refresh-token' };
  }
  if (pathname.endsWith('/find')) {
    const number = Number(searchParams.get('ClientId')?.slice(2));
    return number < count ? [userOf(number)] : [];
  }
  const { PageNumber, PageSize } = JSON.parse(body) as { PageNumber: number; PageSize: number };
  const from = (PageNumber - 1) * PageSize;
  const size = Math.max(0, Math.min(PageSize, count - from));
  return {
    Users: Array.from({ length: size }, (_, at) => userOf(from + at)),
    HasNextPage: from + size < count,
    TotalUsers: count,
  };
}

function userOf(number: number): object {
  return {
    DeviceToken: `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`,
    DateCreated: CREATED,
    Status: 'Active',
    UserProfile: {
      FirstName: `First-${number}`,
      LastName: `Last-${number}`,
      Email: `mail-${number}@example.com`,
      Phone: `+44 ${number}`,
    },
    UserFields: [{ ClientId: `c-${number}` }],
  };
}
