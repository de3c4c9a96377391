/**
 * The modes that make requests slow, fail or go unanswered.
 */
import { describe, expect, test } from 'vitest';
import { type Caller, TOKEN, at, bearer, openSandbox, stoppedClock, tokensOf } from './caller.ts';

test('errorRate 1 answers errorStatus to everything and applies nothing', async () => {
  const sandbox = await openSandbox({ modes: { errorRate: 1, errorStatus: 503 } });
  const reply = await sandbox.create({ CustomToken: TOKEN, UserFields: { ClientId: 'ada-1' } });
  expect(reply.status).toBe(503);
  expect(reply.body).toEqual({ Status: 503, Title: 'Service Unavailable', Errors: [] });
  expect((await sandbox.login()).status).toBe(503);
  expect(await sandbox.users()).toEqual([]);
  expect(await sandbox.requests()).toMatchObject([
    { operation: 'create', deviceToken: TOKEN, clientId: 'ada-1', status: 503, applied: false },
    { operation: 'login', status: 503, applied: false },
  ]);
});

test('errorBody html is a page, and envelopeErrors leaves its status alone', async () => {
  const modes = { errorRate: 1, errorStatus: 502, errorBody: 'html', envelopeErrors: true } as const;
  const sandbox = await openSandbox({ modes });
  const reply = await sandbox.create({});
  expect(reply.status).toBe(502);
  expect(reply.headers.get('content-type')).toBe('text/html');
  expect(reply.text).toContain('<h1>502 Bad Gateway</h1>');
});

test('errorBody empty is no body and no content type', async () => {
  const sandbox = await openSandbox({ modes: { errorRate: 1, errorStatus: 500, errorBody: 'empty' } });
  const reply = await sandbox.create({});
  expect(reply.status).toBe(500);
  expect(reply.text).toBe('');
  expect(reply.headers.get('content-type')).toBeNull();
});

test('dropRate 1 closes the socket, and nothing is applied', async () => {
  const sandbox = await openSandbox({ modes: { dropRate: 1 } });
  await expect(sandbox.create({ CustomToken: TOKEN })).rejects.toThrow('fetch failed');
  expect(await sandbox.users()).toEqual([]);
  expect(await sandbox.requests()).toMatchObject([{ deviceToken: TOKEN, status: null, applied: false }]);
});

describe('commitThenDropRate 1', () => {
  test('applies a create and closes the socket', async () => {
    const sandbox = await openSandbox({ modes: { commitThenDropRate: 1 } });
    await expect(sandbox.create({ CustomToken: TOKEN })).rejects.toThrow('fetch failed');
    expect(await sandbox.users()).toMatchObject([{ deviceToken: TOKEN }]);
    expect(await sandbox.requests()).toMatchObject([{ deviceToken: TOKEN, status: null, applied: true }]);
  });

  test('applies updates and deletions, and answers what changes nothing', async () => {
    const sandbox = await openSandbox();
    await sandbox.create({ CustomToken: TOKEN });
    await sandbox.becomeAdmin();
    await sandbox.patchModes({ commitThenDropRate: 1 });
    await expect(sandbox.update(TOKEN, { FirstName: 'Ada' })).rejects.toThrow('fetch failed');
    expect(await sandbox.users()).toMatchObject([{ firstName: 'Ada' }]);
    expect((await sandbox.find({ DeviceToken: TOKEN })).status).toBe(200);
    await expect(sandbox.delete(TOKEN)).rejects.toThrow('fetch failed');
    expect((await sandbox.delete(TOKEN)).status).toBe(404);
  });

  test('spends the refresh token although the new one is lost', async () => {
    const sandbox = await openSandbox();
    const tokens = tokensOf(await sandbox.login());
    await sandbox.patchModes({ commitThenDropRate: 1 });
    await expect(sandbox.refresh(tokens)).rejects.toThrow('fetch failed');
    await sandbox.patchModes({ commitThenDropRate: 0 });
    expect((await sandbox.refresh(tokens)).status).toBe(401);
  });
});

/** Which of 40 creates fail, as a string of 0 and 1. */
async function pattern(sandbox: Caller): Promise<string> {
  let failures = '';
  for (let count = 0; count < 40; count += 1) {
    failures += (await sandbox.create({})).status === 200 ? '0' : '1';
  }
  return failures;
}

describe('seed', () => {
  test('the same seed gives the same faults, another seed gives others', async () => {
    const one = await pattern(await openSandbox({ modes: { errorRate: 0.5, seed: 7 } }));
    const same = await pattern(await openSandbox({ modes: { errorRate: 0.5, seed: 7 } }));
    const other = await pattern(await openSandbox({ modes: { errorRate: 0.5, seed: 8 } }));
    expect(one).toMatch(/01|10/);
    expect(same).toBe(one);
    expect(other).not.toBe(one);
  });

  test('setting the seed starts the draws anew', async () => {
    const sandbox = await openSandbox({ modes: { errorRate: 0.5, seed: 7 } });
    const first = await pattern(sandbox);
    expect(await pattern(sandbox)).not.toBe(first);
    await sandbox.patchModes({ seed: 7 });
    expect(await pattern(sandbox)).toBe(first);
  });

  test('a rate of 0.5 fails about half of the requests', async () => {
    const sandbox = await openSandbox({ modes: { errorRate: 0.5, seed: 1 } });
    const failures = (await pattern(sandbox)).replaceAll('0', '').length;
    expect(failures).toBeGreaterThan(10);
    expect(failures).toBeLessThan(30);
  });
});

describe('latencyMs', () => {
  test.each([[20], [[20, 30] as [number, number]]])(
    '%o keeps the answer back at least 20 ms',
    async (latencyMs) => {
      const sandbox = await openSandbox({ modes: { latencyMs } });
      const start = performance.now();
      expect((await sandbox.create({})).status).toBe(200);
      // A timer may fire up to a millisecond early.
      expect(performance.now() - start).toBeGreaterThanOrEqual(19);
    },
  );

  test('the effect comes at once: a caller that hangs up early finds it done', async () => {
    const sandbox = await openSandbox({ modes: { latencyMs: 60_000 } });
    const hangUp = new AbortController();
    const pending = fetch(`${sandbox.url}/v1/Registration/create`, {
      method: 'POST',
      headers: {
        InstanceId: '11111111-1111-4111-8111-111111111111',
        InstanceKey: '22222222-2222-4222-8222-222222222222',
        'Content-Type': 'application/json',
      },
      body: JSON.stringify({ CustomToken: TOKEN }),
      signal: hangUp.signal,
    });
    await until(async () => at(await sandbox.users(), 0, 'deviceToken') === TOKEN);
    expect(await sandbox.requests()).toMatchObject([{ status: null, endedAt: null, endedAfterSeq: null }]);
    hangUp.abort();
    await expect(pending).rejects.toThrow('abort');
    await until(async () => at(await sandbox.requests(), 0, 'endedAt') !== null);
    expect(await sandbox.requests()).toMatchObject([{ status: null, applied: true, endedAfterSeq: 1 }]);
  });

  test('the controls answer at once', async () => {
    const sandbox = await openSandbox({ modes: { latencyMs: 60_000, errorRate: 1, dropRate: 1 } });
    expect((await sandbox.send('GET', '/_sandbox')).status).toBe(200);
    expect((await sandbox.patchModes({ latencyMs: 0 })).status).toBe(200);
  });
});

describe('rateLimit', () => {
  test('requests beyond max in a window are a 429 and not applied; the next window is open', async () => {
    const clock = stoppedClock();
    const rateLimit = { max: 2, windowMs: 1000, retryAfter: 3 };
    const sandbox = await openSandbox({ clock: clock.read, modes: { rateLimit } });
    await sandbox.create({});
    await sandbox.create({});
    clock.advance(999);
    const refused = await sandbox.create({});
    expect(refused.status).toBe(429);
    expect(refused.headers.get('retry-after')).toBe('3');
    expect(refused.body).toMatchObject({ Status: 429 });
    clock.advance(1);
    expect((await sandbox.create({})).status).toBe(200);
    expect(await sandbox.users()).toHaveLength(3);
  });

  test('it counts requests of every kind', async () => {
    const sandbox = await openSandbox({
      modes: { rateLimit: { max: 1, windowMs: 60_000, retryAfter: null } },
    });
    await sandbox.create({});
    const refused = await sandbox.login();
    expect(refused.status).toBe(429);
    expect(refused.headers.get('retry-after')).toBeNull();
  });

  test('Retry-After may be a date', async () => {
    const retryAfter = 'Tue, 01 Jan 2030 00:00:05 GMT';
    const sandbox = await openSandbox({ modes: { rateLimit: { max: 0, windowMs: 1000, retryAfter } } });
    expect((await sandbox.create({})).headers.get('retry-after')).toBe(retryAfter);
  });
});

describe('findLagMs', () => {
  test('find and the page see creates, updates and deletions late, each in its turn', async () => {
    const clock = stoppedClock();
    const sandbox = await openSandbox({ clock: clock.read, modes: { findLagMs: 100 } });
    await sandbox.becomeAdmin();
    const seen = async () => {
      const found = at((await sandbox.find({ DeviceToken: TOKEN })).body, 'Result');
      expect(at((await sandbox.page({})).body, 'Result', 'Users')).toEqual(found);
      return at(found, 0, 'UserProfile', 'FirstName');
    };

    await sandbox.create({ CustomToken: TOKEN, FirstName: 'first' });
    clock.advance(50);
    await sandbox.update(TOKEN, { FirstName: 'second' });
    expect(await seen()).toBeUndefined();
    clock.advance(50);
    expect(await seen()).toBe('first');
    clock.advance(50);
    expect(await seen()).toBe('second');

    await sandbox.delete(TOKEN);
    expect((await sandbox.delete(TOKEN)).status).toBe(404);
    clock.advance(99);
    expect(await seen()).toBe('second');
    clock.advance(1);
    expect(await seen()).toBeUndefined();
  });

  test('a lagging find goes by the old ClientId', async () => {
    const clock = stoppedClock();
    const sandbox = await openSandbox({ clock: clock.read });
    await sandbox.becomeAdmin();
    await sandbox.create({ CustomToken: TOKEN, UserFields: { ClientId: 'old' } });
    await sandbox.patchModes({ findLagMs: 100 });
    await sandbox.update(TOKEN, { UserFields: { ClientId: 'new' } });
    const foundBy = async (clientId: string) =>
      at((await sandbox.find({ ClientId: clientId })).body, 'Result', 0, 'DeviceToken');
    expect([await foundBy('old'), await foundBy('new')]).toEqual([TOKEN, undefined]);
    clock.advance(100);
    expect([await foundBy('old'), await foundBy('new')]).toEqual([undefined, TOKEN]);
  });

  test('the writing side never lags', async () => {
    const sandbox = await openSandbox({ modes: { findLagMs: 60_000, duplicateToken: '409' } });
    await sandbox.becomeAdmin();
    await sandbox.create({ CustomToken: TOKEN });
    expect((await sandbox.create({ CustomToken: TOKEN })).status).toBe(409);
    expect((await sandbox.update(TOKEN, { FirstName: 'Ada' })).status).toBe(200);
    expect(await sandbox.users()).toMatchObject([{ firstName: 'Ada' }]);
  });
});

test('a rate limit spares nobody who is logged in', async () => {
  const sandbox = await openSandbox();
  const { AccessToken } = tokensOf(await sandbox.login());
  await sandbox.patchModes({ rateLimit: { max: 0 } });
  const find = `/v1/Management/users/find?DeviceToken=${TOKEN}`;
  expect((await sandbox.send('GET', find, undefined, bearer(AccessToken))).status).toBe(429);
});

/** Asks until it is so; the test's own timeout is the limit. */
async function until(isSo: () => Promise<boolean>): Promise<void> {
  if (!(await isSo())) await until(isSo);
}
