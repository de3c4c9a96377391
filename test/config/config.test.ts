import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { loadConfig } from '../../src/config/config.ts';
import { keyIdOf } from '../../src/contract/receipt.ts';
import { createFiles, faultsOf } from './config-world.ts';

const fileWith = createFiles();

type Kind = 'ed25519' | 'ed448';

function pairOf(kind: Kind) {
  return kind === 'ed25519' ? generateKeyPairSync('ed25519') : generateKeyPairSync('ed448');
}

function keyOf(kind: Kind, passphrase?: string): string {
  const encryption = passphrase === undefined ? {} : { cipher: 'aes-256-cbc', passphrase };
  return pairOf(kind)
    .privateKey.export({ type: 'pkcs8', format: 'pem', ...encryption })
    .toString();
}

function publicKeyOf(kind: Kind): string {
  return pairOf(kind).publicKey.export({ type: 'spki', format: 'pem' }).toString();
}

const production = {
  NODE_ENV: 'production',
  REDIS_URL: 'redis://127.0.0.1:6379',
  DAMOOV_INSTANCE_ID: 'an-id',
  DAMOOV_INSTANCE_KEY: 'a-key',
};

describe('the configuration', () => {
  it('with nothing set stands in for everything and has the documented defaults', () => {
    expect(loadConfig({})).toEqual({
      redis: 'embedded',
      queues: { prefix: '{damoov}', jobs: 'user-jobs', events: ['user-events'] },
      damoov: 'sandbox',
      userId: { mode: 'derived' },
      timeoutMs: 10_000,
      loginsPerHour: 4,
      deletionsPerHour: 100,
      concurrency: 50,
      retry: { attempts: 15, baseMs: 1000, maxMs: 600_000 },
      http: { host: '127.0.0.1', port: 3000 },
      logLevel: 'info',
    });
  });

  it('takes a fraction for a ceiling of the rate, and none where none is set', () => {
    expect(loadConfig({ DAMOOV_MAX_RPS: '0.5' })).toMatchObject({ maxRps: 0.5 });
    expect(loadConfig({}).maxRps).toBeUndefined();
  });

  it('counts an empty variable as not set, as compose files pass them', () => {
    expect(loadConfig({ REDIS_URL: '', DAMOOV_INSTANCE_ID: '', DAMOOV_INSTANCE_KEY: ' ' })).toEqual(
      loadConfig({}),
    );
  });

  it('reaches the real Damoov once an instance is named', () => {
    expect(loadConfig(production).damoov).toEqual({
      baseUrl: 'https://user.telematicssdk.com',
      instances: { default: { id: 'an-id', key: 'a-key' } },
    });
  });

  it('takes a secret without the line break it was stored with', () => {
    expect(loadConfig({ ...production, DAMOOV_INSTANCE_KEY: 'a-key\n' }).damoov).toMatchObject({
      instances: { default: { key: 'a-key' } },
    });
  });

  it('reads cluster nodes, sentinels and several events queues', () => {
    expect(loadConfig({ REDIS_CLUSTER_NODES: 'a:1, [::1]:2' }).redis).toEqual({
      kind: 'cluster',
      nodes: [
        { host: 'a', port: 1 },
        { host: '::1', port: 2 },
      ],
    });
    expect(loadConfig({ REDIS_SENTINELS: 'a:1', REDIS_SENTINEL_MASTER: 'm' }).redis).toEqual({
      kind: 'sentinel',
      sentinels: [{ host: 'a', port: 1 }],
      master: 'm',
    });
    expect(
      loadConfig({
        REDIS_SENTINELS: 'a:1',
        REDIS_SENTINEL_MASTER: 'm',
        REDIS_USERNAME: 'u',
        REDIS_PASSWORD: 'p',
        REDIS_SENTINEL_USERNAME: 'su',
        REDIS_SENTINEL_PASSWORD: 'sp',
        REDIS_TLS: 'true',
      }).redis,
    ).toMatchObject({
      username: 'u',
      password: 'p',
      sentinelUsername: 'su',
      sentinelPassword: 'sp',
      tls: {},
    });
    expect(loadConfig({ EVENTS_QUEUES: 'crm, billing' }).queues.events).toEqual(['crm', 'billing']);
    expect(loadConfig({ EVENTS_QUEUES: 'none' }).queues.events).toEqual([]);
  });

  it('reads several instances from a file, beside the default one', () => {
    const file = fileWith('{"eu": {"id": "eu-id", "key": "eu-key"}}');
    expect(loadConfig({ ...production, DAMOOV_INSTANCES_FILE: file }).damoov).toMatchObject({
      instances: { eu: { id: 'eu-id', key: 'eu-key' }, default: { id: 'an-id', key: 'a-key' } },
    });
  });

  it('reads the default instance from the file too, where both say the same', () => {
    const named = { id: 'an-id', key: 'a-key', userIdSecret: 'sixteen-or-more-characters' };
    const file = fileWith(JSON.stringify({ default: named }));
    expect(loadConfig({ ...production, DAMOOV_INSTANCES_FILE: file }).damoov).toMatchObject({
      instances: { default: named },
    });
  });

  it('reads the key that signs receipts', () => {
    const { privateKey } = generateKeyPairSync('ed25519');
    const file = fileWith(privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
    const { receiptKey } = loadConfig({ RECEIPT_PRIVATE_KEY_FILE: file });
    expect(receiptKey?.privateKey.equals(privateKey)).toBe(true);
    expect(receiptKey?.keyId).toBe(keyIdOf(privateKey));
  });

  it('leaves alone what a platform sets beside it', () => {
    expect(
      loadConfig({ DAMOOV_WORKER_SERVICE_HOST: '10.0.0.1', PS1: '$(pwd) $', HTTP_PROXY: 'http://p' }),
    ).toEqual(loadConfig({}));
  });

  it('sends traces only where a receiver is named, and its headers as OpenTelemetry writes them', () => {
    expect(loadConfig({ OTEL_TRACES_SAMPLER_ARG: '0.5' }).tracing).toBeUndefined();
    expect(
      loadConfig({
        OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318',
        OTEL_EXPORTER_OTLP_HEADERS: 'api-key = a%20b==, x=',
        OTEL_TRACES_SAMPLER_ARG: '0.25',
      }).tracing,
    ).toEqual({
      endpoint: 'http://collector:4318',
      headers: { 'api-key': 'a b==', x: '' },
      serviceName: 'damoov-user-lifecycle',
      ratio: 0.25,
    });
    const secret = 'hunter2';
    expect(
      faultsOf({
        OTEL_EXPORTER_OTLP_ENDPOINT: `http://me:${secret}@collector`,
        OTEL_EXPORTER_OTLP_HEADERS: `Bearer ${secret},a=%zz,b=${secret}%0d%0ac,d=%e2%82%ac`,
        OTEL_TRACES_SAMPLER_ARG: '2',
      }),
    ).toEqual([
      'OTEL_EXPORTER_OTLP_ENDPOINT: must have no user, password, query or fragment',
      'OTEL_EXPORTER_OTLP_HEADERS: must be name=value, separated by commas',
      'OTEL_EXPORTER_OTLP_HEADERS: must be name=value, separated by commas',
      'OTEL_EXPORTER_OTLP_HEADERS: must be name=value, separated by commas',
      'OTEL_EXPORTER_OTLP_HEADERS: must be name=value, separated by commas',
      'OTEL_TRACES_SAMPLER_ARG: must be a number from 0 to 1',
    ]);
  });

  it('has a dashboard where user and password are both set', () => {
    const dashboard = { viewer: { user: 'ops', password: 'a:b' } };
    expect(loadConfig({ DASHBOARD_USER: 'ops', DASHBOARD_PASSWORD: 'a:b' })).toMatchObject({ dashboard });
    expect(loadConfig({ DASHBOARD_USER: '', DASHBOARD_PASSWORD: '' }).dashboard).toBeUndefined();
  });

  it('reports every fault of the operator and of the proxy at once', () => {
    const viewer = { DASHBOARD_USER: 'ops', DASHBOARD_PASSWORD: 'a password of the test' };
    expect(faultsOf({ DASHBOARD_OPERATOR_USER: 'anna' })).toEqual([
      'DASHBOARD_OPERATOR_PASSWORD: is required together with DASHBOARD_OPERATOR_USER',
      'DASHBOARD_USER: is required together with DASHBOARD_OPERATOR_USER',
    ]);
    expect(faultsOf({ ...viewer, DASHBOARD_OPERATOR_PASSWORD: 'change-me' })).toEqual([
      'DASHBOARD_OPERATOR_USER: is required together with DASHBOARD_OPERATOR_PASSWORD',
      expect.stringMatching(/^DASHBOARD_OPERATOR_PASSWORD: is a placeholder/),
    ]);
    expect(faultsOf({ ...viewer, DASHBOARD_OPERATOR_USER: 'ops', DASHBOARD_OPERATOR_PASSWORD: 'x' })).toEqual(
      ['DASHBOARD_OPERATOR_USER: must not be DASHBOARD_USER, who only looks'],
    );
    expect(
      faultsOf({ DASHBOARD_PROXY_OPERATOR_GROUP: 'a,b', DASHBOARD_PROXY_USER_HEADER: 'a header' }),
    ).toEqual([
      'DASHBOARD_PROXY_USER_HEADER: must be the name of a header',
      'DASHBOARD_PROXY_OPERATOR_GROUP: must not contain a comma',
      'DASHBOARD_PROXY_ADDRESSES: is required together with DASHBOARD_PROXY_USER_HEADER',
      'DASHBOARD_PROXY_ADDRESSES: is required together with DASHBOARD_PROXY_OPERATOR_GROUP',
    ]);
  });

  it.each([
    'proxy',
    '10.0.0.0/33',
    '10.0.0.0/0',
    '::/0',
    '::1/129',
    '10.0.0.1/',
    '10.0.0.1/8/8',
    '10.0.0/8',
    ',',
  ])('takes no address of a proxy from %s', (addresses) => {
    expect(faultsOf({ DASHBOARD_PROXY_ADDRESSES: addresses })).toHaveLength(1);
  });
});

it('the environment that compose gives to the worker has no fault', () => {
  const { services } = parse(readFileSync('docker-compose.yml', 'utf8'), { merge: true }) as {
    services: { worker: { environment: Record<string, string> } };
  };
  const env = Object.fromEntries(
    // Not used in `.env` files: `${NAME:-value}`, `${NAME-value}`.
    Object.entries(services.worker.environment).map(([name, value]) => [
      name,
      value.replace(/^\$\{\w+:?-(.*)\}$/, '$1'),
    ]),
  );
  expect(faultsOf(env)).toEqual([]);
});

describe('a faulty configuration', () => {
  it('gets every fault at once, by variable name', () => {
    const faults = faultsOf({
      NODE_ENV: 'production',
      REDIS_SENTINELS: 'nowhere',
      DAMOOV_INSTANCE_ID: 'an-id',
      DAMOOV_ADMIN_PASSWORD: 'x',
      DAMOOV_USER_ID: 'chosen',
      DAMOOV_USER_ID_SECRET: 'short',
      WORKER_CONCURRENCY: '0',
      JOB_ATTEMPTS: 'many',
      HTTP_PORT: '70000',
      LOG_LEVEL: 'loud',
    });
    for (const name of [
      'REDIS_SENTINELS',
      'REDIS_SENTINEL_MASTER',
      'DAMOOV_INSTANCE_KEY',
      'DAMOOV_ADMIN_EMAIL',
      'DAMOOV_USER_ID',
      'DAMOOV_USER_ID_SECRET',
      'WORKER_CONCURRENCY',
      'JOB_ATTEMPTS',
      'HTTP_PORT',
      'LOG_LEVEL',
    ]) {
      expect(faults.filter((fault) => fault.startsWith(`${name}:`))).toHaveLength(1);
    }
    expect(faults).toHaveLength(10);
  });

  it('in production is one without a Redis and without credentials', () => {
    expect(faultsOf({ NODE_ENV: 'production' })).toEqual([
      'REDIS_URL: is required when NODE_ENV=production',
      'DAMOOV_INSTANCE_ID, DAMOOV_INSTANCE_KEY: are required when NODE_ENV=production',
    ]);
    expect(faultsOf(production)).toEqual([]);
  });

  it.each([
    ['a misspelt variable', { DAMOOV_USER_ID_SECRT: 'x' }, 'did you mean DAMOOV_USER_ID_SECRET?'],
    ['a rate of nothing', { DAMOOV_MAX_RPS: '0' }, 'DAMOOV_MAX_RPS: must be a number from 0.01 to 100000'],
    ['no number', { JOB_ATTEMPTS: 'x' }, 'JOB_ATTEMPTS: must be a whole number from 1 to 1000'],
    ['a deadline no timer can hold', { DAMOOV_TIMEOUT_MS: '3000000000' }, 'from 1 to 600000'],
    ['events that would be jobs', { EVENTS_QUEUES: 'a,user-jobs' }, 'must not contain the jobs queue'],
    ['no events, and some', { EVENTS_QUEUES: 'none,crm' }, 'EVENTS_QUEUES: none must be the only entry'],
    ['an events queue named twice', { EVENTS_QUEUES: 'a,a' }, 'names a queue twice'],
    [
      'a cluster without a hash tag',
      { REDIS_CLUSTER_NODES: 'a:1', QUEUE_PREFIX: 'bull' },
      'needs a hash tag',
    ],
    ['a Redis without a host', { REDIS_URL: 'redis://' }, 'REDIS_URL'],
    ['a database that is no number', { REDIS_URL: 'redis://a/b' }, 'REDIS_URL'],
    ['a port out of range', { REDIS_CLUSTER_NODES: 'a:70000' }, 'must be host:port'],
    ['an address with a password', { ...production, DAMOOV_BASE_URL: 'http://u:p@a' }, 'must have no user'],
    [
      'a key that no header can carry',
      { ...production, DAMOOV_INSTANCE_KEY: 'schlüssel' },
      'printable ASCII',
    ],
    ['production in another spelling', { NODE_ENV: 'Production' }, 'REDIS_URL: is required'],
    ['two ways to Redis', { REDIS_URL: 'redis://a', REDIS_CLUSTER_NODES: 'a:1' }, 'only one of them'],
    ['a URL of another kind', { REDIS_URL: 'http://a' }, 'redis:// or rediss://'],
    ['an address of Damoov without credentials', { DAMOOV_BASE_URL: 'http://a' }, 'DAMOOV_INSTANCE_ID'],
    [
      "the sandbox's admin at the real Damoov",
      { ...production, DAMOOV_ADMIN_EMAIL: 'admin@sandbox.test', DAMOOV_ADMIN_PASSWORD: 'x' },
      "DAMOOV_ADMIN_EMAIL: is the sandbox's",
    ],
    [
      'an admin without an instance',
      { DAMOOV_ADMIN_EMAIL: 'a', DAMOOV_ADMIN_PASSWORD: 'b' },
      'DAMOOV_INSTANCE_ID',
    ],
    ['a shortest delay above the longest', { BACKOFF_BASE_MS: '9', BACKOFF_MAX_MS: '8' }, 'BACKOFF_MAX_MS'],
    ['a queue name with a colon', { JOBS_QUEUE: 'a:b' }, 'JOBS_QUEUE'],
    ['a missing instances file', { DAMOOV_INSTANCES_FILE: '/nowhere.json' }, 'cannot be read (ENOENT)'],
    ['an instances file without an instance', { DAMOOV_INSTANCES_FILE: fileWith('{}') }, 'names no instance'],
    [
      'an instances file with another default instance',
      { ...production, DAMOOV_INSTANCES_FILE: fileWith('{"default": {"id": "an-id", "key": "b"}}') },
      'its `default` differs from',
    ],
    ['an instance without a key', { DAMOOV_INSTANCES_FILE: fileWith('{"eu": {"id": "a"}}') }, 'eu.key'],
    [
      'a missing key of receipts',
      { RECEIPT_PRIVATE_KEY_FILE: '/nowhere.pem' },
      'RECEIPT_PRIVATE_KEY_FILE: cannot be read (ENOENT)',
    ],
    ['a key of another kind', { RECEIPT_PRIVATE_KEY_FILE: fileWith(keyOf('ed448')) }, 'is not an Ed25519'],
    [
      'a key behind a password',
      { RECEIPT_PRIVATE_KEY_FILE: fileWith(keyOf('ed25519', 'password')) },
      'not encrypted',
    ],
    [
      'half a key',
      { RECEIPT_PRIVATE_KEY_FILE: fileWith(keyOf('ed25519').slice(0, 60)) },
      'is not an Ed25519 private key',
    ],
    [
      'the public half of a key',
      { RECEIPT_PRIVATE_KEY_FILE: fileWith(publicKeyOf('ed25519')) },
      'is not an Ed25519 private key',
    ],
  ])('is %s', (_what, env, fault) => {
    expect(faultsOf(env as Record<string, string>).join('\n')).toContain(fault);
  });

  it('never repeats a value', () => {
    const secret = 'do-not-print-me';
    const faults = faultsOf({
      REDIS_URL: `http://:${secret}@host`,
      DAMOOV_INSTANCES_FILE: fileWith(`{"eu": {"id": 1, "key": "${secret}" ${secret}`),
      DAMOOV_USER_ID: secret,
      RECEIPT_PRIVATE_KEY_FILE: fileWith(`-----BEGIN PRIVATE KEY-----\n${secret}\n`),
      WORKER_CONCURRENCY: secret,
      EVENTS_QUEUES: `${secret}:x`,
    });
    expect(faults.length).toBeGreaterThanOrEqual(6);
    expect(faults.join('\n')).not.toContain(secret);
  });

  it('reports contradictions even if a variable is wrong by itself', () => {
    const env = { HTTP_PORT: 'x', BACKOFF_BASE_MS: '9', BACKOFF_MAX_MS: '8', EVENTS_QUEUES: 'a,a' };
    expect(faultsOf(env)).toHaveLength(3);
  });
});
