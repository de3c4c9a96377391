import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import {
  HIDDEN,
  maskedData,
  maskedName,
  maskedReason,
  maskedResult,
} from '../../../src/ops/dashboard/masked-data.ts';

const MARK = 'zzMARKzz';
const marked = fc.string({ maxLength: 8 }).map((text) => `${text}${MARK}${text}`);
const value = fc.letrec((tie) => ({
  any: fc.oneof({ depthSize: 'small' }, marked, fc.array(tie('any')), fc.dictionary(marked, tie('any'))),
})).any;
const personal = fc.constantFrom('profile', 'changes', 'reason', 'encrypted', 'accessToken', 'email', 'x');

describe('what a page may show', () => {
  test.prop([fc.dictionary(fc.oneof(personal, marked), value)])(
    'of a job is nothing but its ids, whatever else it says and wherever',
    (data) => {
      expect(JSON.stringify(maskedData(JSON.stringify(data)))).not.toContain(MARK);
    },
  );

  test.prop([fc.oneof(value, fc.dictionary(fc.oneof(personal, marked), value))])(
    'of a result that is none of ours is nothing',
    (data) => {
      expect(JSON.stringify(maskedResult(JSON.stringify(data)))).not.toContain(MARK);
    },
  );

  test.prop([fc.oneof(fc.string(), marked)])('of what is no JSON is nothing', (text) => {
    fc.pre(!/^[\s{]/.test(text));
    expect(maskedData(text)).toBe(HIDDEN);
    expect(maskedName(`${text}${MARK}`)).toBe('unknown');
  });

  test('of a job is whose it is and which fields it has', () => {
    const data = {
      clientId: 'c-1',
      occurredAt: '2026-11-01T00:00:00Z',
      createAccessToken: true,
      profile: { firstName: 'Ada', phone: '+44', 'ada@example.com': 1 },
      unknown: 'x',
    };
    expect(maskedData(JSON.stringify(data))).toEqual({
      clientId: 'c-1',
      instance: 'default',
      occurredAt: '2026-11-01T00:00:00Z',
      createAccessToken: true,
      profile: { firstName: HIDDEN, phone: HIDDEN },
      hidden: '1 more',
    });
    expect(maskedData('{"clientId":{"a":1},"changes":"x","reason":"y","encrypted":"1.proof."}')).toEqual({
      instance: 'default',
      changes: HIDDEN,
      reason: HIDDEN,
      encrypted: 'erased',
      hidden: '1 more',
    });
    expect(maskedData(undefined)).toBe('too large to be shown');
  });

  test('of why a job failed is what a worker of ours said', () => {
    expect(maskedReason('rejected: no such phone')).toBe('rejected: no such phone');
    for (const foreign of [MARK, `Error: ${MARK}`, `rejected ${MARK}`, undefined]) {
      expect(maskedReason(foreign)).toBe(HIDDEN);
    }
  });

  test('of a result is everything but the tokens', () => {
    const data = { userId: '3d0d0165-ec19-8bb6-9018-d49217879e0a', instance: 'default', jobId: '1' };
    const tokens = { accessToken: MARK, refreshToken: MARK };
    expect(maskedResult(JSON.stringify({ ...data, ...tokens }))).toEqual({
      ...data,
      accessToken: HIDDEN,
      refreshToken: HIDDEN,
    });
  });
});
