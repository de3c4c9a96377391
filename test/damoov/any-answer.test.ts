import { gzipSync } from 'node:zlib';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { DamoovClient } from '../../src/damoov/client.ts';
import { DamoovError } from '../../src/damoov/errors.ts';
import { type Answer, tokens } from './scripted-server.ts';
import { instance, startWorld, userId } from './world.ts';

/** JSON of which the language itself cannot make a text, and names that an object has by birth. */
const odd = fc.constantFrom<unknown>(
  { toString: 1 },
  { valueOf: null, toString: {} },
  { ['__proto__']: { toString: 1 } },
  { constructor: null },
  [[[[[]]]]],
  -0,
  1e308,
  null,
  '\uD800',
);
const value = fc.oneof(odd, fc.jsonValue(), fc.array(fc.oneof(odd, fc.jsonValue()), { maxLength: 3 }));
const user = fc.record(
  { DeviceToken: fc.oneof(fc.constant(userId), value), UserProfile: value, UserFields: value, Status: value },
  { requiredKeys: [] },
);
const pair = fc.record(
  { AccessToken: fc.oneof(value, fc.record({ Token: value, ExpiresIn: value })), RefreshToken: value },
  { requiredKeys: [] },
);
const page = fc.record({ Users: value, HasNextPage: value, TotalUsers: value }, { requiredKeys: [] });
const envelope = fc.record(
  {
    Result: fc.oneof(value, user, fc.array(user, { maxLength: 2 }), pair, page),
    Status: fc.oneof(value, fc.integer({ min: 0, max: 600 }), fc.constantFrom('200', '422', 'Error', '')),
    Title: value,
    Errors: fc.oneof(value, fc.array(fc.record({ Key: value, Message: value }), { maxLength: 3 })),
  },
  { requiredKeys: [] },
);
const json = fc.oneof(envelope, value).map((body) => Buffer.from(JSON.stringify(body)));
const body = fc.oneof(
  { arbitrary: json, weight: 6 },
  { arbitrary: json.map((bytes) => bytes.subarray(0, bytes.length / 2)), weight: 1 },
  { arbitrary: json.map((bytes) => gzipSync(bytes).subarray(0, -5)), weight: 1 },
  { arbitrary: json.map((bytes) => Buffer.from(bytes.toString(), 'utf16le')), weight: 1 },
  { arbitrary: fc.uint8Array({ maxLength: 50 }).map((bytes) => Buffer.from(bytes)), weight: 1 },
  { arbitrary: fc.constant(Buffer.from('['.repeat(100_000))), weight: 1 },
);
const status = fc.oneof(
  fc.constantFrom(200, 204, 400, 401, 403, 404, 422, 429, 500),
  fc.integer({ min: 100, max: 999 }),
);
const headers = fc.record(
  {
    'Content-Type': fc.constantFrom('application/json', 'text/html; charset=utf-16', 'x', ''),
    'Content-Encoding': fc.constantFrom('gzip', 'br', 'nonsense'),
    'Retry-After': fc.constantFrom('0', '-1', '999999999999', 'Fri, 31 Dec 9999 23:59:59 GMT', 'GMT', '1e9'),
    'Content-Length': fc.constantFrom('0', '1', '99'),
    'Transfer-Encoding': fc.constantFrom('chunked', 'gzip'),
  },
  { requiredKeys: [] },
);

/** Written as it is: no library of HTTP would. */
function raw(status: number, headers: object, body: Buffer): Answer {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${String(value)}\r\n`);
  return ({ socket }) =>
    void socket?.end(Buffer.concat([Buffer.from(`HTTP/1.1 ${status} X\r\n${lines.join('')}\r\n`), body]));
}

const CALLS = {
  create: (client: DamoovClient) =>
    client.createUser(instance, { firstName: 'Ada', createAccessToken: true }),
  update: (client: DamoovClient) => client.updateUser(userId, { firstName: 'Ada' }),
  delete: (client: DamoovClient) => client.deleteUser(userId),
  find: (client: DamoovClient) => client.findUsers({ clientId: 'c' }),
  page: (client: DamoovClient) => client.page({ pageNumber: 1, pageSize: 2 }),
} satisfies Record<string, (client: DamoovClient) => Promise<unknown>>;

async function expectClosedEnd(call: Promise<unknown>): Promise<void> {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error === undefined) return;
  expect(error).toBeInstanceOf(DamoovError);
  // Every request was written, and answered somehow.
  expect(error).toMatchObject({ message: expect.not.stringContaining('cannot be written') });
  expect((error as DamoovError).retryAfterMs ?? 0).toBeLessThanOrEqual(3_600_000);
}

test('whatever comes back, a call ends with a value or with one of the kinds of errors', async () => {
  const { server, client, clock } = await startWorld();
  await fc.assert(
    fc.asyncProperty(status, headers, body, async (status, headers, body) => {
      const answer = raw(status, headers, body);
      for (const operation of ['create', 'update', 'delete', 'find', 'page'] as const) {
        server.script(operation, answer);
        await expectClosedEnd(CALLS[operation](client));
      }
      // The tokens at hand are over, and those that come are used for the next call.
      clock.now += 90_000_000;
      server.script('refresh', answer);
      server.script('login', answer);
      await expectClosedEnd(CALLS.find(client));
      clock.now += 90_000_000;
      server.script('login', tokens('token-1', 'refresh-1'));
      await expectClosedEnd(client.ensureSession());
    }),
    { numRuns: 40 },
  );
});
