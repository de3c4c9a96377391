import { describe, expect, it, onTestFinished } from 'vitest';
import { type Check, startHealthServer } from '../../src/ops/health.ts';

const METRICS = { contentType: 'text/plain', read: async () => 'users 1\n' };

async function start(checks: Record<string, Check>): Promise<string> {
  const server = await startHealthServer({ host: '127.0.0.1', port: 0 }, { checks, metrics: METRICS });
  onTestFinished(() => server.close());
  return server.url;
}

describe('the health server', () => {
  it('is live and ready while everything is there', async () => {
    const url = await start({ redis: async () => ({ ok: true }) });
    expect((await fetch(`${url}/livez`)).status).toBe(200);
    const ready = await fetch(`${url}/readyz`);
    expect(ready.status).toBe(200);
    expect(await ready.json()).toEqual({ status: 'ready', checks: { redis: { ok: true } } });
  });

  it('is live but not ready while something is away, and says why', async () => {
    const url = await start({ redis: async () => ({ ok: false, reason: 'connection is reconnecting' }) });
    expect((await fetch(`${url}/livez`)).status).toBe(200);
    const ready = await fetch(`${url}/readyz`);
    expect(ready.status).toBe(503);
    expect(await ready.json()).toMatchObject({
      status: 'not ready',
      checks: { redis: { ok: false, reason: 'connection is reconnecting' } },
    });
  });

  it('hands out the metrics as they are when it is asked', async () => {
    const metrics = await fetch(`${await start({})}/metrics`);
    expect(metrics.headers.get('content-type')).toBe('text/plain');
    expect(await metrics.text()).toBe('users 1\n');
  });

  it('answers nothing else', async () => {
    const url = await start({});
    for (const path of ['/', '/livez/x']) expect((await fetch(url + path)).status).toBe(404);
    expect((await fetch(`${url}/livez`, { method: 'POST' })).status).toBe(404);
  });

  it('whose port is taken says so by the names of the variables', async () => {
    const url = await start({});
    const port = Number(new URL(url).port);
    await expect(
      startHealthServer({ host: '127.0.0.1', port }, { checks: {}, metrics: METRICS }),
    ).rejects.toThrow(`HTTP_HOST, HTTP_PORT: cannot listen on 127.0.0.1:${port} (EADDRINUSE)`);
  });
});
