import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { runCommand } from '../support/run-command.ts';
import { type World, createWorld } from '../support/world.ts';

const HOUR_MS = 3_600_000;
const NEVER = { firstMs: HOUR_MS, lastMs: HOUR_MS };

/** A worker whose base URL has a path that Damoov does not know. */
async function createMisplaced(path = '/v1') {
  const world = await createWorld({ startsWorker: false });
  const timings = { probes: { credential: NEVER, outage: NEVER } };
  const misplaced = await createWorld({
    startsWorker: false,
    timings,
    env: { DAMOOV_BASE_URL: `${world.sandboxUrl}${path}` },
  });
  const { url } = await misplaced.startWorker();
  return { ...misplaced, url, place: `${new URL(world.sandboxUrl).host}${path}`, sandbox: world };
}

async function checksOf(url: string) {
  const { checks } = (await (await fetch(`${url}/readyz`)).json()) as {
    checks: Record<string, { ok: boolean; reason?: string }>;
  };
  return checks;
}

const logged = ({ logLines }: World) => logLines.join('');

describe('a base URL with a path that answers 404', () => {
  it.each([
    ['a create', 'create-user', { clientId: 'c-1' }],
    ['a login', 'update-user', { clientId: 'c-1', changes: { phone: '1' } }],
  ] as const)('to %s is told as such, and not as a refused credential', async (_what, name, data) => {
    const world = await createMisplaced();
    await world.add(name, data);
    await expect.poll(() => logged(world)).toContain('no Damoov answers at DAMOOV_BASE_URL: all jobs wait');
    const reason = `found no such API at ${world.place} (status 404): is DAMOOV_BASE_URL right?`;
    expect(logged(world)).toContain(reason);
    expect(logged(world)).not.toContain('credential refused');
    const checks = await checksOf(world.url);
    expect(checks['damoov']).toMatchObject({ ok: false, reason: expect.stringContaining(reason) });
    expect(checks['instance-key:default']).toEqual({ ok: true });
    expect(checks['admin']).toEqual({ ok: true });
    expect(await world.jobs.getDelayedCount()).toBe(1);
  });

  it('is named by doctor, before anybody logs in', async () => {
    const { env, sandbox } = await createMisplaced();
    const { status, stdout } = await runCommand(['doctor', '--login'], env);
    expect(status).toBe(1);
    expect(stdout).toMatch(
      /^fail {2}damoov +127\.0\.0\.1:\d+ answers 404.*\n +→ .*correct DAMOOV_BASE_URL: without the path \/v1/m,
    );
    expect(await sandbox.requests('login')).toEqual([]);
  });

  it('with a page is asked about as well', async () => {
    const server = createServer((_request, response) => {
      response.writeHead(404, { 'content-type': 'text/html' }).end('<html>not here</html>');
    }).listen(0, '127.0.0.1');
    onTestFinished(() => void server.close());
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const env = { DAMOOV_BASE_URL: `http://127.0.0.1:${port}/api` };
    const world = await createWorld({ env });
    for (let n = 0; n < 12; n += 1) await world.add('create-user', { clientId: `c-${n}` });
    await expect.poll(() => logged(world)).toContain('no Damoov answers at DAMOOV_BASE_URL: all jobs wait');
    expect(logged(world)).toContain(`at 127.0.0.1:${port}/api (status 404): is DAMOOV_BASE_URL right?`);
  });
});

it('a key that is refused with 404 is told as a refused key, where the API is there', async () => {
  const timings = { probes: { credential: NEVER, outage: NEVER } };
  const env = { DAMOOV_INSTANCE_KEY: 'wrong' };
  const world = await createWorld({ modes: { badKey: '404' }, env, timings });
  await world.add('create-user', { clientId: 'c-1' });
  await expect.poll(() => logged(world)).toContain('credential refused: the jobs that need it wait');
  expect(logged(world)).not.toContain('DAMOOV_BASE_URL');
});

it('a Damoov that is away is named by host and port', async () => {
  const world = await createWorld({ env: { DAMOOV_BASE_URL: 'http://127.0.0.1:1' } });
  await world.add('create-user', { clientId: 'c-1' });
  await expect.poll(() => logged(world)).toContain('failed on the network at 127.0.0.1:1 (ECONNREFUSED)');
  const { stdout } = await runCommand(['doctor'], world.env);
  expect(stdout).toMatch(/^fail {2}damoov .* at 127\.0\.0\.1:1 \(ECONNREFUSED\)$/m);
});
