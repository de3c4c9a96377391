import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import { readRetryAfterMs } from '../../src/damoov/transport.ts';
import { findQuery, readCreatedUser, readTokens, readUsers, sameUserId } from '../../src/damoov/wire.ts';

const id = '3F2504E0-4F89-41D3-9A0C-0305E82C3301';

test('whatever shape the UserFields come in, the user is read, and the clientId with them', () => {
  const fields = fc.record(
    {
      ClientId: fc.oneof(fc.string({ minLength: 1 }), fc.constant(null)),
      Other: fc.jsonValue(),
    },
    { requiredKeys: [] },
  );
  const shapes = fields.chain((one) =>
    fc.constantFrom<[unknown, typeof one]>(
      [one, one],
      [[one], one],
      [[null, one], one],
      [[], {}],
      [null, {}],
      [undefined, {}],
    ),
  );
  fc.assert(
    fc.property(shapes, ([written, meant]) => {
      const [user] = readUsers([{ DeviceToken: id, UserFields: written }]) ?? [];
      expect(user).toEqual({
        userId: id.toLowerCase(),
        ...(typeof meant.ClientId === 'string' && { clientId: meant.ClientId }),
      });
    }),
  );
});

test('no JSON value whatever makes the readers throw', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (value, nested) => {
      const users = [{ DeviceToken: id, UserProfile: value, UserFields: nested, Status: value }];
      expect(() => readUsers(users)).not.toThrow();
      expect(() => readUsers(value)).not.toThrow();
      expect(() => readTokens({ AccessToken: value, RefreshToken: nested })).not.toThrow();
      expect(() => readCreatedUser(200, value)).not.toThrow();
    }),
  );
});

test('Retry-After in seconds or as a date is from nothing to an hour, and anything else is ignored', () => {
  const now = 1_800_000_000_000;
  fc.assert(
    fc.property(fc.nat(10_000), (seconds) => {
      const ms = Math.min(seconds * 1000, 3_600_000);
      expect(readRetryAfterMs(String(seconds), now)).toBe(ms);
      expect(readRetryAfterMs(new Date(now + seconds * 1000).toUTCString(), now)).toBe(ms);
      expect(readRetryAfterMs(new Date(now - seconds * 1000).toUTCString(), now)).toBe(0);
    }),
  );
  fc.assert(
    fc.property(fc.string(), (header) => {
      const ms = readRetryAfterMs(header, now);
      expect(ms === undefined || (ms >= 0 && ms <= 3_600_000)).toBe(true);
    }),
  );
  const farOff = ['999999999', '9'.repeat(400), 'Fri, 31 Dec 9999 23:59:59 GMT'];
  for (const header of farOff) expect(readRetryAfterMs(header, now)).toBe(3_600_000);
  for (const header of [undefined, '', '-5', '1.5', 'Sun Nov  6 08:49:37 1994']) {
    expect(readRetryAfterMs(header, now)).toBeUndefined();
  }
});

test('user ids are the same whatever their casing and the blanks around them', () => {
  expect(sameUserId(id, ` ${id.toLowerCase()}\n`)).toBe(true);
  expect(sameUserId(id, id.replace('3', '4'))).toBe(false);
});

test('the lifetime of a token counts only where it is one', () => {
  const lifetimeOf = (ExpiresIn: unknown) =>
    readTokens({ AccessToken: { Token: 't', ExpiresIn } })?.accessToken.expiresInS;
  expect([60, '60'].map(lifetimeOf)).toEqual([60, 60]);
  const none = [0, -1, 'Infinity', 1e300, 'soon', { toString: 1 }, null, undefined];
  expect(none.map(lifetimeOf)).toEqual(none.map(() => undefined));
});

test.each(['', 'two words', 'line\n', 'tökén', 'x'.repeat(9000), { toString: 1 }])(
  '%j is no token: no header can carry it',
  (Token) => {
    expect(readTokens({ AccessToken: { Token } })).toBeUndefined();
  },
);

test('a find asks for inactive users and for instances only where it is to', () => {
  expect(findQuery({ clientId: 'c' })).toBe('ClientId=c');
  expect(findQuery({ clientId: 'c', includeInactive: true, includeAccountInfo: true })).toBe(
    'ClientId=c&ShowInactiveUsers=true&IncludeAccountInfo=true',
  );
});
