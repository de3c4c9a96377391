import { fc } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { INSIDE, requests, send, sendBytes } from '../support/http-fuzz.ts';
import { AUTHORIZATION, createDashboardWorld } from './dashboard/dashboard-world.ts';

const MARK = 'lovelacemark';

const ASKED = requests({
  paths: [
    '',
    '/livez',
    '/readyz',
    '/metrics',
    '/dashboard',
    '/dashboard/panels.json',
    '/dashboard/page.js',
    '/dashboard/jobs',
    '/dashboard/jobs/1',
    '/dashboard/jobs/meta',
    '/dashboard/users',
    '/dashboard/search',
    '/dashboard/deletions',
    '/dashboard/dead-letters',
    '/dashboard/audit',
  ],
  queries: [
    'state',
    'code',
    'from',
    'client-id',
    'user-id',
    'instance',
    'for',
    'day',
    'from-day',
    'queue',
    'before',
  ],
  headers: [
    'host',
    'range',
    'content-type',
    'accept',
    'upgrade',
    'if-none-match',
    'x-forwarded-for',
    'cookie',
  ],
  values: [
    'bytes=0-',
    'bytes=-0',
    'websocket',
    'user-events',
    'waiting',
    'failed',
    'invalid-job',
    '2027-01-31',
    '1-1',
    '1',
    '100',
    'a:b:c',
    '[',
    'application/json',
  ],
  bodies: ['{', '[]', '{"__proto__":{"a":1}}', '{"name":"create-user","data":{}}', 'x'.repeat(100_000)],
});

describe('whatever is asked of the worker over HTTP', () => {
  it('is answered without a fault, an inside or personal data, with the password and without', async () => {
    const world = await createDashboardWorld();
    await world.jobs.pause();
    const profile = { firstName: MARK };
    await world.add('create-user', { clientId: 'c-1', profile });
    await world.redis.hset(world.jobs.toKey(await world.add(MARK, { [MARK]: MARK })), 'data', `${MARK} {`);
    await fc.assert(
      fc.asyncProperty(ASKED, fc.boolean(), async (asked, isKnown) => {
        const headers = { ...asked.headers, ...(isKnown && { authorization: AUTHORIZATION }) };
        const { status, text } = await send(world.url, { ...asked, headers });
        // 503 is for a Redis that is away, which it is not.
        expect(status).toBeLessThan(500);
        if (!asked.path.endsWith('.js')) expect(text).not.toMatch(INSIDE);
        expect(text).not.toContain(MARK);
        if (!isKnown && asked.path.startsWith('/dashboard')) expect([0, 400, 401, 404]).toContain(status);
      }),
      { numRuns: 800 },
    );
    const faults = world.logLines.filter((line) => line.includes('a request to this worker failed'));
    expect(faults).toEqual([]);
    expect((await fetch(`${world.url}/livez`)).status).toBe(200);
    expect(await world.jobs.isPaused()).toBe(true);
  });

  it('may be bytes that are no HTTP at all', async () => {
    const { url } = await createDashboardWorld();
    const lines = fc.array(
      fc.constantFrom(
        'GET / HTTP/1.1',
        'GET  HTTP/9',
        'host: a',
        'expect: 100-continue',
        'content-length: -1',
        'transfer-encoding: chunked',
        '',
        'ffffffff',
        ': x',
        '\0',
      ),
      { maxLength: 8 },
    );
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      lines.map((all) => Buffer.from(all.join('\r\n'))),
    );
    await fc.assert(
      fc.asyncProperty(bytes, async (bytes) => {
        const text = await sendBytes(url, bytes);
        expect(text).not.toMatch(/^HTTP\/1.1 5/);
        expect(text).not.toMatch(INSIDE);
      }),
      { numRuns: 300 },
    );
    expect((await fetch(`${url}/livez`)).status).toBe(200);
  });
});
