import { describe, expect, it } from 'vitest';
import { faultsOf } from './config-world.ts';

describe('a faulty access to Redis', () => {
  const url = 'redis://h:6379';
  it.each([
    [
      { REDIS_PASSWORD: 'p' },
      'REDIS_PASSWORD: no Redis is set by REDIS_URL or REDIS_CLUSTER_NODES or REDIS_SENTINELS: use REDIS_URL=redis://HOST:PORT',
    ],
    [{ REDIS_URL: 'redis://u:99#kret@h' }, 'REDIS_URL: must have no ? and no #'],
    [{ REDIS_URL: 'redis://:q@h', REDIS_PASSWORD: 'p' }, 'REDIS_PASSWORD: REDIS_URL has'],
    [{ REDIS_URL: url, REDIS_USERNAME: 'u' }, 'REDIS_PASSWORD: is required together with REDIS_USERNAME'],
    [{ REDIS_URL: url, REDIS_TLS: 'true' }, 'REDIS_TLS: not with REDIS_URL'],
    [{ REDIS_CLUSTER_NODES: 'a:1', REDIS_TLS: 'perhaps' }, 'REDIS_TLS: must be true or false'],
    [{ REDIS_CLUSTER_NODES: 'a:1', REDIS_SENTINEL_PASSWORD: 'p' }, 'REDIS_SENTINELS: is required'],
    [{ REDIS_URL: 'rediss://h', REDIS_TLS_CERT_FILE: 'no-file' }, 'REDIS_TLS_KEY_FILE: is required'],
    [{ REDIS_URL: 'rediss://h', REDIS_TLS_CA_FILE: 'no-file' }, 'REDIS_TLS_CA_FILE: cannot be read (ENOENT)'],
    [
      { REDIS_URL: 'rediss://h', REDIS_TLS_CA_FILE: 'package.json' },
      'REDIS_TLS_CA_FILE: must hold a certificate in PEM',
    ],
    [
      { REDIS_URL: url, REDIS_TLS_CA_FILE: 'package.json' },
      'REDIS_TLS_CA_FILE: the connection is not encrypted',
    ],
    [{ REDIS_CLUSTER_NODES: 'a:1', QUEUE_PREFIX: '{}{x}' }, 'QUEUE_PREFIX: needs a hash tag'],
  ] as [Record<string, string>, string][])('%j is told', (env, fault) => {
    expect(faultsOf(env)).toContainEqual(expect.stringContaining(fault));
  });
});
