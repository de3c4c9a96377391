import { fc, it } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { BLANK, redacted } from '../../src/ops/redacted.ts';

const SECRET = 'a mark that must not be seen';

/** Every name under which the product, Damoov or a library holds something that no log may show. */
const NAMES = `
  firstName lastName nickname phone email clientId profile changes data
  FirstName LastName FullName Nickname Phone Email ClientId Birthday Address UserFields LoginFields
  gender maritalStatus childrenCount country district city imageUrl ExternalImageUrl
  Password AccessToken RefreshToken DeviceToken CustomToken password instanceKey InstanceKey key privateKey secret
  accessToken refreshToken authorization Authorization cookie adminPassword DAMOOV_INSTANCE_KEY REDIS_PASSWORD
  instance-key DAMOOV_USER_ID_SECRET credentials access_token
`
  .trim()
  .split(/\s+/);

/** The value, put below so many further objects and lists. */
const wrapped = (value: unknown, way: readonly string[]) =>
  way.reduceRight<unknown>((inner, step) => (step === 'list' ? [inner] : { [step]: inner }), value);

describe('what is redacted', () => {
  it.prop([
    fc.constantFrom(...NAMES),
    fc.array(fc.constantFrom('list', 'job', 'outcome', 'cause', 'request'), { maxLength: 6 }),
    fc.oneof(fc.constant(SECRET), fc.constant([SECRET]), fc.constant({ any: SECRET })),
  ])('is every value under a name of a secret or of personal data, at any depth', (name, way, value) => {
    const line = { jobId: '1', of: wrapped({ [name]: value, code: 'rejected' }, way) };
    const text = JSON.stringify(redacted(line));
    expect(text).not.toContain(SECRET);
    expect(text).toContain(`"${name}":"${BLANK}"`);
    expect(text).toContain('"code":"rejected"');
  });

  it('is nothing of what a line is for', () => {
    const line = {
      jobId: '1',
      userId: 'u',
      operation: 'create-user',
      instance: 'default',
      attempt: 1,
      outcome: 'user.failed',
      code: 'rejected',
      reason: 'no',
      durationMs: 3,
      circuit: 'admin',
      delayMs: 1,
      queue: 'user-jobs',
      events: ['user-events'],
      instances: ['default'],
      url: 'http://x:1',
      ratePerS: 1,
      pausedForMs: 2,
      signal: 'SIGTERM',
      missing: undefined,
      none: null,
      at: new Date(0),
    };
    expect(redacted(line)).toEqual(line);
  });

  it('is what an error bears but for its name, and a ring ends', () => {
    const ring: Record<string, unknown> = { error: Object.assign(new TypeError(SECRET), { job: SECRET }) };
    ring['self'] = ring;
    ring['map'] = new Map([['x', SECRET]]);
    const text = JSON.stringify(redacted(ring));
    expect(text).toContain('"error":"TypeError"');
    expect(text).not.toContain(SECRET);
  });
});
