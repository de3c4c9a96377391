/**
 * The HTTP server for those who operate the worker: is it alive, is it ready, what does it measure. Reads only.
 */
import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import type { Metrics } from './metrics.ts';

/** One thing the worker needs; `reason` says why it is not there, `detail` what is worth knowing all the same. */
export type Check = () => Promise<{ ok: true; detail?: string } | { ok: false; reason: string }>;

export interface HealthServer {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Starts the server.
 * @param checks by name; `/readyz` answers 503 while one of them is not ok.
 * @throws where the address cannot be had.
 */
export async function startHealthServer(
  { host, port }: { host: string; port: number },
  checks: Record<string, Check>,
  metrics: Metrics,
): Promise<HealthServer> {
  const app = new Hono({ strict: false });
  app.get('/livez', (context) => context.json({ status: 'live' }));
  app.get('/readyz', async (context) => {
    const results = Object.fromEntries(
      await Promise.all(Object.entries(checks).map(async ([name, check]) => [name, await check()] as const)),
    );
    const isReady = Object.values(results).every(({ ok }) => ok);
    return context.json({ status: isReady ? 'ready' : 'not ready', checks: results }, isReady ? 200 : 503);
  });
  app.get('/metrics', async (context) =>
    context.body(await metrics.read(), 200, { 'content-type': metrics.contentType }),
  );

  const { promise: listening, resolve, reject } = Promise.withResolvers<number>();
  const server = serve({ fetch: app.fetch, hostname: host, port }, (info) => resolve(info.port));
  server.once('error', (error: NodeJS.ErrnoException) => {
    reject(new Error(`HTTP_HOST, HTTP_PORT: cannot listen on ${host}:${port} (${error.code ?? error.name})`));
  });
  const actualPort = await listening;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${actualPort}`,
    close() {
      const { promise: closed, resolve } = Promise.withResolvers<void>();
      server.close(() => resolve());
      if ('closeAllConnections' in server) server.closeAllConnections();
      return closed;
    },
  };
}
