import { fc } from '@fast-check/vitest';
import { describe, expect, it, onTestFinished } from 'vitest';
import { SANDBOX_CREDENTIALS, startSandbox } from '../../src/sandbox/server.ts';
import { INSIDE, requests, send, sendBytes } from '../support/http-fuzz.ts';

const { instanceId, instanceKey, adminEmail, adminPassword } = SANDBOX_CREDENTIALS;
const LOGIN = JSON.stringify({ LoginFields: JSON.stringify({ email: adminEmail }), Password: adminPassword });

const ASKED = requests({
  paths: [
    '/v1/Registration/create',
    '/v1/Auth/Login',
    '/v1/Auth/RefreshToken',
    '/v1/Management/users/find',
    '/v1/Management/users',
    '/v1/Management/users/GetFilteredPage',
    '/v1/Management/users/count',
    '/v1/Management/users/images/upload',
    '/v1/Management/users/instances/change',
    '/_sandbox',
    '/_sandbox/requests',
    '/_sandbox/reset',
    '',
  ],
  queries: ['DeviceToken', 'ClientId', 'Email', 'OsType', 'ShowInactiveUsers'],
  headers: ['instanceid', 'instancekey', 'content-type', 'authorization', 'userdevicetoken', 'devicetoken'],
  values: [instanceId, instanceKey, 'application/json', 'Bearer x', 'Bearer '],
  bodies: [
    LOGIN,
    '{"LoginFields":"{"}',
    '{"LoginFields":"null"}',
    '{"LoginFields":1,"Password":[]}',
    '{"CustomToken":{},"UserFields":[],"FirstName":7}',
    '{"UserFields":{"ClientId":{"a":1}},"CreateAccessToken":"yes"}',
    '{"PageNumber":-1,"PageSize":1e300,"InstanceIds":{}}',
    '{"Sort":"constructor","DateCreatedFrom":"2030-13-01","ActivityStatuses":[null],"CompanyIds":["x"]}',
    '{"Identifiers":{"__proto__":1},"IsEnabled":"x"}',
    '{"Birthday":"9999-99-99","Gender":"","MaritalStatus":"null","ChildrenCount":"9e9"}',
    '{"__proto__":{"a":1},"constructor":1}',
  ],
});

describe('whatever is sent to the sandbox', () => {
  it('is answered without a fault of the server, and it goes on', async () => {
    const sandbox = await startSandbox({ modes: { loginLimit: { max: 1e9, windowMs: 1000, barMs: 1 } } });
    onTestFinished(() => sandbox.close());
    const login = await send(sandbox.url, {
      method: 'POST',
      path: '/v1/Auth/Login',
      headers: { 'content-type': 'application/json' },
      body: LOGIN,
    });
    const bearer = /"Token":"([^"]+)"/.exec(login.text)?.[1] ?? '';
    await fc.assert(
      fc.asyncProperty(ASKED, fc.boolean(), async (asked, isKnown) => {
        const credentials = {
          authorization: `Bearer ${bearer}`,
          instanceid: instanceId,
          instancekey: instanceKey,
          'content-type': 'application/json',
        };
        const { status, text } = await send(sandbox.url, {
          ...asked,
          headers: { ...asked.headers, ...(isKnown && credentials) },
        });
        expect(status).toBeLessThan(500);
        // It repeats what it was sent, under /_sandbox: that is what it is for.
        if (!asked.path.startsWith('/_sandbox')) expect(text).not.toMatch(INSIDE);
      }),
      { numRuns: 1000 },
    );
    expect((await fetch(`${sandbox.url}/_sandbox`)).status).toBe(200);
  });

  it('may be bytes that are no HTTP at all', async () => {
    const sandbox = await startSandbox();
    onTestFinished(() => sandbox.close());
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
        expect(await sendBytes(sandbox.url, bytes)).not.toMatch(/^HTTP\/1.1 5/);
      }),
      { numRuns: 300 },
    );
    expect((await fetch(`${sandbox.url}/_sandbox`)).status).toBe(200);
  });

  it('is cut off where it is larger than any request of the API', async () => {
    const sandbox = await startSandbox();
    onTestFinished(() => sandbox.close());
    const answer = await send(sandbox.url, {
      method: 'POST',
      path: '/v1/Registration/create',
      headers: { 'content-type': 'application/json' },
      body: 'x'.repeat(20_000_000),
    });
    expect(answer.status).toBe(0);
    expect((await fetch(`${sandbox.url}/_sandbox`)).status).toBe(200);
  });
});
