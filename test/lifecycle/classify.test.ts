import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { DamoovError, type DamoovErrorDetails } from '../../src/damoov/errors.ts';
import { classify as classifyWith } from '../../src/lifecycle/classify.ts';
import { outageOf } from '../../src/redis/refusal.ts';

const classify = (error: unknown) => classifyWith(error, outageOf);

function error(
  details: Pick<DamoovErrorDetails, 'kind' | 'operation'> & Partial<DamoovErrorDetails>,
): DamoovError {
  return new DamoovError({ wasSent: true, ...details });
}

const named = [{ key: 'Email', message: 'is not an email' }];
const nameless = [{ key: '', message: 'no such key' }];
const aboutInstance = [{ key: 'InstanceKey', message: 'is not known' }];

/** The whole table: what Damoov answers to which request, and what becomes of the job. */
const TABLE: [
  DamoovErrorDetails['operation'],
  DamoovErrorDetails['kind'],
  Partial<DamoovErrorDetails>,
  object,
][] = [
  ['create', 'timeout', {}, { status: 'held', circuit: 'damoov' }],
  ['create', 'network', {}, { status: 'held', circuit: 'damoov' }],
  [
    'create',
    'server',
    { status: 503, retryAfterMs: 7000 },
    { status: 'held', circuit: 'damoov', afterMs: 7000 },
  ],
  ['create', 'malformed', { status: 200 }, { status: 'held', circuit: 'damoov' }],
  ['create', 'rate-limited', { status: 429, retryAfterMs: 9000 }, { status: 'wait' }],
  ['login', 'rate-limited', { wasSent: false, retryAfterMs: 1000 }, { status: 'wait' }],
  ['create', 'aborted', {}, { status: 'wait', delayMs: 0 }],
  ['create', 'unauthorized', { status: 401 }, { status: 'held', circuit: 'instance-key' }],
  ['create', 'forbidden', { status: 403 }, { status: 'held', circuit: 'instance-key' }],
  ['create', 'not-found', { status: 404 }, { status: 'held', circuit: 'instance-key' }],
  ['create', 'no-result', { status: 200 }, { status: 'held', circuit: 'instance-key' }],
  ['create', 'rejected', { status: 422 }, { status: 'held', circuit: 'instance-key' }],
  ['create', 'rejected', { status: 422, errors: aboutInstance }, { status: 'held', circuit: 'instance-key' }],
  // An error that names no field may be about the credentials as well.
  ['create', 'rejected', { status: 422, errors: nameless }, { status: 'held', circuit: 'instance-key' }],
  [
    'create',
    'rejected',
    { status: 422, errors: [...aboutInstance, ...named] },
    { status: 'failed', code: 'rejected' },
  ],
  ['create', 'rejected', { status: 422, errors: named }, { status: 'failed', code: 'rejected' }],
  ['create', 'rejected', { status: 425 }, { status: 'retry' }],
  ['create', 'conflict', { status: 409 }, { status: 'failed', code: 'rejected' }],
  ['update', 'timeout', {}, { status: 'held', circuit: 'damoov' }],
  ['update', 'unauthorized', { status: 401 }, { status: 'held', circuit: 'admin' }],
  ['update', 'forbidden', { status: 403 }, { status: 'failed', code: 'forbidden' }],
  ['update', 'not-found', { status: 404 }, { status: 'failed', code: 'user-not-found' }],
  ['update', 'rejected', { status: 422 }, { status: 'failed', code: 'rejected' }],
  ['update', 'rejected', { status: 408 }, { status: 'retry' }],
  ['update', 'no-admin', {}, { status: 'held', circuit: 'admin' }],
  ['delete', 'server', { status: 500 }, { status: 'held', circuit: 'damoov' }],
  ['delete', 'aborted', {}, { status: 'wait', delayMs: 0 }],
  ['find', 'no-result', { status: 200 }, { status: 'retry' }],
  ['find', 'unauthorized', { status: 401 }, { status: 'held', circuit: 'admin' }],
  ['login', 'login-refused', { status: 401 }, { status: 'held', circuit: 'admin' }],
  [
    'login',
    'login-barred',
    { retryAfterMs: 3_600_000 },
    { status: 'held', circuit: 'admin', afterMs: 3_600_000 },
  ],
  ['refresh', 'server', { status: 502 }, { status: 'held', circuit: 'damoov' }],
];

describe('classify', () => {
  it.each(TABLE)('%s %s %j → %j', (operation, kind, details, outcome) => {
    expect(classify(error({ operation, kind, ...details }))).toMatchObject(outcome);
  });

  it('says how long Damoov asks to wait, of a login only to those that need the admin', () => {
    const asked = (details: Parameters<typeof error>[0]) =>
      classify(error({ ...details, retryAfterMs: 7000 }));
    expect(asked({ operation: 'update', kind: 'rejected', status: 408 })).toMatchObject({ afterMs: 7000 });
    expect(asked({ operation: 'update', kind: 'server', status: 503 })).toMatchObject({ afterMs: 7000 });
    expect(asked({ operation: 'login', kind: 'login-refused', status: 401 })).toMatchObject({
      afterMs: 7000,
    });
    for (const operation of ['login', 'refresh'] as const)
      expect(asked({ operation, kind: 'server', status: 503 })).not.toHaveProperty('afterMs');
    const unasked = [classify(error({ operation: 'update', kind: 'rejected', status: 408 }))];
    unasked.push(classify(error({ operation: 'update', kind: 'server', status: 503 })));
    for (const outcome of unasked) expect(outcome).not.toHaveProperty('afterMs');
  });

  it('tells a login that was not even tried from one that was refused', () => {
    const barred = classify(error({ operation: 'login', kind: 'login-barred', wasSent: false }));
    const refused = classify(error({ operation: 'login', kind: 'login-refused', status: 401 }));
    expect(barred).toMatchObject({ isUntried: true });
    expect(refused).not.toHaveProperty('isUntried');
  });

  const anyError = fc.record({
    kind: fc.constantFrom(...new Set(TABLE.map(([, kind]) => kind))),
    operation: fc.constantFrom(...new Set(TABLE.map(([operation]) => operation))),
    status: fc.option(fc.integer({ min: 200, max: 599 }), { nil: undefined }),
  });
  test.prop([anyError])('never calls an error done, and always says why', (details) => {
    const outcome = classify(error(details));
    expect(['retry', 'wait', 'held', 'failed']).toContain(outcome.status);
    const reason = 'reason' in outcome ? outcome.reason : 'message' in outcome ? outcome.message : '';
    expect(reason).toContain('Damoov');
  });

  test.prop([fc.option(fc.nat(100_000_000), { nil: undefined })])(
    'lets a job that was held back or refused by a rate limit wait as long as asked, an hour at the most, and spreads it',
    (retryAfterMs) => {
      const outcome = classify(error({ kind: 'rate-limited', operation: 'update', retryAfterMs }));
      const delayMs = outcome.status === 'wait' ? outcome.delayMs : Number.NaN;
      const floorMs = Math.min(retryAfterMs ?? 1000, 3_600_000);
      expect(delayMs).toBeGreaterThanOrEqual(floorMs);
      expect(delayMs).toBeLessThanOrEqual(floorMs + 1 + Math.max(1000, floorMs / 10));
    },
  );

  test.prop([fc.anything()])(
    'tries again after what nobody foresaw, without repeating its message',
    (thrown) => {
      expect(classify(thrown).status).toBe('retry');
      expect(JSON.stringify(classify(new TypeError('ada@example.com')))).not.toContain('ada@example.com');
    },
  );

  it.each([
    [{ name: 'ReplyError', message: 'OOM command not allowed' }, /\(OOM\): its memory is full/],
    [{ message: 'Connection is closed.' }, /^Redis gave no answer$/],
    [{ message: 'x', code: 'ECONNRESET' }, /^Redis gave no answer$/],
    [{ name: 'MaxRetriesPerRequestError', message: 'x' }, /^Redis gave no answer$/],
  ])('lets a job wait that meets %o of Redis', (details, reason) => {
    expect(classify(Object.assign(new Error('x'), details))).toMatchObject({
      status: 'wait',
      reason: expect.stringMatching(reason),
    });
  });

  it('takes an error of Node.js for none of Redis, although it has a code', () => {
    const thrown = Object.assign(new TypeError('x'), { code: 'ERR_INVALID_ARG_TYPE' });
    expect(classify(thrown)).toMatchObject({ status: 'retry' });
  });

  it('tells where what nobody foresaw came from', () => {
    expect(classify(new TypeError('x'))).toMatchObject({
      reason: expect.stringMatching(/TypeError at [\w.-]+:\d+/),
    });
    // Its message may be long, and look like a place.
    expect(classify(new TypeError(`${'x'.repeat(1_000_000)} ada-lovelace.ts:1:2`))).toMatchObject({
      reason: expect.stringMatching(/TypeError at test\.ts:\d+/),
    });
  });
});
