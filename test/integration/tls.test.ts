/** @module-tag slow */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type Certificate, makeCertificate } from '../support/certificate.ts';
import { expectSignUp } from '../support/expect-service.ts';
import { startRedisNode } from '../support/redis-node.ts';
import { startCluster, startSentinelSet } from '../support/redis-topology.ts';
import { runCommand, runProcess } from '../support/run-command.ts';

let dir: string;
let certificate: Certificate;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tls-'));
  certificate = await makeCertificate(dir);
});
afterAll(() => rm(dir, { recursive: true }));

const password = 'of-this-test';

async function startServer({ asksForCertificate = false } = {}) {
  const lines = [`requirepass ${password}`];
  const node = await startRedisNode({ dir, certificate, asksForCertificate, lines, access: { password } });
  onTestFinished(() => node.close());
  return `rediss://:${password}@127.0.0.1:${node.port}`;
}

describe('a Redis whose certificate is of an authority of our own', () => {
  it('serves everybody who is told the authority, in a file or by Node.js itself', async () => {
    const url = await startServer();
    const tls = { ca: certificate.caText };
    const { env } = await expectSignUp({
      target: { kind: 'url', url, tls },
      env: { REDIS_URL: url, REDIS_TLS_CA_FILE: certificate.ca },
    });
    const byNode = { ...env, REDIS_TLS_CA_FILE: '', NODE_EXTRA_CA_CERTS: certificate.ca };
    // Node.js reads it as a process starts.
    expect((await runProcess(['status'], byNode)).status).toBe(0);
  });

  it('is not trusted by those who are not told, and they are told why', async () => {
    const url = await startServer();
    const { status, stderr } = await runCommand(['status'], { REDIS_URL: url });
    expect([status, stderr]).toEqual([
      1,
      expect.stringMatching(/Redis is away \([^)]+:\d+\): [A-Z_]*(SELF_SIGNED|VERIFY)/),
    ]);
    expect(stderr).not.toContain(password);
  });

  it('may ask clients for a certificate, too', async () => {
    const url = await startServer({ asksForCertificate: true });
    const env = { REDIS_URL: url, REDIS_TLS_CA_FILE: certificate.ca };
    const shown = { REDIS_TLS_CERT_FILE: certificate.cert, REDIS_TLS_KEY_FILE: certificate.key };
    expect((await runCommand(['status'], { ...env, ...shown })).status).toBe(0);
    expect((await runCommand(['status'], env)).status).toBe(1);
  });
});

describe('a cluster with TLS, an authority of our own and a password', () => {
  it('serves the worker, both libraries and a command', async () => {
    const cluster = await startCluster({ dir, certificate, password }, { masters: 3, haveReplicas: false });
    onTestFinished(() => cluster.close());
    const { env } = await expectSignUp(cluster);
    const wrong = await runCommand(['status'], { ...env, REDIS_PASSWORD: 'mistyped' });
    expect([wrong.status, wrong.stderr]).toEqual([
      1,
      expect.stringMatching(/^Redis refuses the user or password \([^)]+:\d+\): WRONGPASS\n$/),
    ]);
  });
});

describe('Sentinels with TLS, an authority of our own and a password', () => {
  it('serve the worker, both libraries and a command', async () => {
    const set = await startSentinelSet({ dir, certificate, password }, { replicas: 1, sentinels: 1 });
    onTestFinished(() => set.close());
    const { env } = await expectSignUp(set);
    for (const name of ['REDIS_PASSWORD', 'REDIS_SENTINEL_PASSWORD']) {
      const wrong = await runCommand(['status'], { ...env, [name]: 'mistyped' });
      expect([wrong.status, wrong.stderr]).toEqual([
        1,
        expect.stringMatching(/^Redis refuses the user or password \([^)]+:\d+\): WRONGPASS\n$/),
      ]);
    }
  });
});
