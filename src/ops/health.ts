/**
 * The HTTP endpoints for operators: liveness, readiness, metrics, and the dashboard, if there is one. Reads only.
 */
import type { HttpBindings } from '@hono/node-server';
import type { Hono } from 'hono';
import { type HttpServer, listen } from './http-server.ts';
import type { Metrics } from './metrics.ts';
import { withStrictHeaders } from './strict-headers.ts';

/** One thing the worker needs; `reason` says why it is missing; `detail` is a note in any case. */
export type Check = () => Promise<{ ok: true; detail?: string } | { ok: false; reason: string }>;

/** The connection identifies the client. */
export interface OpsEnv {
  Bindings: Partial<HttpBindings>;
}

/** Routes under a path of their own. */
export interface Mount {
  readonly path: `/${string}`;
  readonly routes: Hono<OpsEnv>;
}

export interface HealthOptions {
  /** By name; `/readyz` answers 503 while one of them is not ok. */
  checks: Record<string, Check>;
  metrics: Metrics;
  dashboard?: Mount | undefined;
  /** Called for an internal error that the answer does not show. */
  onError?: (error: Error) => void;
}

/**
 * Starts the server.
 * @throws if it cannot listen on the address.
 */
export async function startHealthServer(
  address: { host: string; port: number },
  options: HealthOptions,
): Promise<HttpServer> {
  let app: ReturnType<typeof routesOf> | undefined;
  return listen(address, async (request, bindings) => {
    app ??= routesOf(options);
    return withStrictHeaders(await (await app).fetch(request, bindings));
  });
}

/** Loads its library with the first request. */
async function routesOf({ checks, metrics, dashboard, onError = () => {} }: HealthOptions) {
  const { Hono } = await import('hono');
  const app = new Hono<OpsEnv>({ strict: false });
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
  if (dashboard !== undefined) app.route(dashboard.path, dashboard.routes);
  app.notFound((context) => context.text('not found\n', 404));
  app.onError((error, context) => {
    onError(error);
    return context.text('failed\n', 500);
  });
  return app;
}
