import { describe, expect, it } from 'vitest';
import { createFiles, faultsOf } from './config-world.ts';

const fileWith = createFiles();

/** Of each, what its message says to do. */
const COPIED: [string, string, string][] = [
  ['DASHBOARD_PASSWORD', '$(openssl rand -base64 24)', 'run it yourself'],
  ['DASHBOARD_PASSWORD', '`openssl rand -base64 24`', 'run it yourself'],
  ['REDIS_PASSWORD', '${REDIS_PASSWORD}', 'run it yourself'],
  ['DAMOOV_ADMIN_PASSWORD', '$(cat /run/secrets/admin)', 'run it yourself'],
  ['EVENTS_QUEUES', '$(QUEUES)', 'run it yourself'],
  ['DAMOOV_INSTANCE_KEY', '{{ .Values.key }}', 'run it yourself'],
  ['DASHBOARD_PASSWORD', 'change-me', 'openssl rand'],
  ['DASHBOARD_PASSWORD', 'CHANGE_ME_PLEASE', 'openssl rand'],
  ['DASHBOARD_PASSWORD', 'changeme', 'openssl rand'],
  ['DASHBOARD_PASSWORD', 'password', 'openssl rand'],
  ['DASHBOARD_PASSWORD', 'Pass_Word123!', 'openssl rand'],
  ['DASHBOARD_PASSWORD', 'secret', 'openssl rand'],
  ['DASHBOARD_PASSWORD', '%PW%', 'run it yourself'],
  ['DASHBOARD_PASSWORD', '$DASHBOARD_PASSWORD', 'run it yourself'],
  ['DASHBOARD_PASSWORD', '12-characters-or-more', 'openssl rand'],
  ['DASHBOARD_PASSWORD', '************', 'openssl rand'],
  ['DAMOOV_USER_ID_SECRET', 'at-least-16-characters', 'openssl rand'],
  ['DAMOOV_USER_ID_SECRET', 'replace this with a secret', 'openssl rand'],
  ['DAMOOV_USER_ID_SECRET', '<16 characters or more>', 'openssl rand'],
  ['DAMOOV_USER_ID_SECRET', 'your-user-id-secret', 'openssl rand'],
  ['DAMOOV_INSTANCE_ID', 'an-instance-id', 'real value'],
  ['DAMOOV_INSTANCE_KEY', 'YOUR_INSTANCE_KEY', 'real value'],
  ['DAMOOV_INSTANCE_KEY', 'xxxxxxxx', 'real value'],
  ['DAMOOV_INSTANCE_KEY', 'undefined', 'real value'],
  ['DAMOOV_ADMIN_EMAIL', 'admin@example.com', 'real value'],
  ['DAMOOV_ADMIN_EMAIL', 'ops@mail.example', 'real value'],
  ['DAMOOV_ADMIN_PASSWORD', 'a-password', 'real value'],
  ['DAMOOV_ADMIN_PASSWORD', 'put-the-password-here', 'real value'],
  ['REDIS_PASSWORD', 'another', 'real value'],
  ['REDIS_SENTINEL_PASSWORD', 'another-password', 'real value'],
  ['REDIS_URL', 'redis://:a-password@redis:6379', 'real value'],
  ['REDIS_URL', 'redis://app:<password>@redis:6379', 'real value'],
  ['OTEL_EXPORTER_OTLP_HEADERS', 'authorization=Bearer%20a-token', 'real value'],
];

const COPIED_FAULT = /a placeholder of an example|holds an expression/;

describe('a secret that was copied from an example', () => {
  it.each(COPIED)('%s=%s is refused, by name and without its value', (name, value, todo) => {
    const faults = faultsOf({ [name]: value }).filter((fault) => COPIED_FAULT.test(fault));
    expect(faults).toHaveLength(1);
    expect(faults[0]).toMatch(new RegExp(`^${name}: .*${todo}`));
    expect(faults[0]).not.toContain(value);
  });

  it.each([
    ['DASHBOARD_PASSWORD', 'Q2hhbmdlIG1lPw+/aGVyZQ=='],
    ['DASHBOARD_PASSWORD', 'correct horse battery staple'],
    ['DASHBOARD_PASSWORD', '$9x<k(2{w}'],
    ['DASHBOARD_PASSWORD', '%9x%k2%'],
    ['DASHBOARD_PASSWORD', 'passwords-of-the-old-house'],
    // It may be the password of that Redis.
    ['REDIS_URL', 'redis://:password@redis:6379'],
    ['DASHBOARD_PASSWORD', 'exchange-meadow-here-there'],
    ['DAMOOV_USER_ID_SECRET', 'the-old-instance-key-of-2024'],
    ['DAMOOV_ADMIN_EMAIL', 'admin@exampleinsurance.com'],
    ['QUEUE_PREFIX', '{damoov}'],
    ['REDIS_URL', 'redis://redis:6379'],
    ['OTEL_EXPORTER_OTLP_HEADERS', 'authorization=Bearer%20eyJhbGciOi,x-tenant=eu'],
  ])('%s=%s is none', (name, value) => {
    expect(faultsOf({ [name]: value }).join('\n')).not.toMatch(/example|expression/);
  });

  it('is refused in an instances file too', () => {
    const file = fileWith(
      JSON.stringify({
        eu: { id: '<instance-id>', key: '$(KEY)', userIdSecret: 'at-least-16-characters' },
        us: { id: '7b1c', key: '9f2e' },
      }),
    );
    const faults = faultsOf({ DAMOOV_INSTANCES_FILE: file });
    expect(faults).toEqual([
      expect.stringMatching(/^DAMOOV_INSTANCES_FILE: eu\.id: is a placeholder .*real value/),
      expect.stringMatching(/^DAMOOV_INSTANCES_FILE: eu\.key: holds an expression/),
      expect.stringMatching(/^DAMOOV_INSTANCES_FILE: eu\.userIdSecret: is a placeholder .*openssl/),
    ]);
  });
});
