/**
 * The HTTP server for operators. It limits the cost of a connection: slow, large or silent clients are disconnected.
 */
import { once } from 'node:events';
import { type ServerOptions, createServer } from 'node:http';
import type { HttpBindings } from '@hono/node-server';
import { limitConnections } from './connection-limit.ts';
import { withStrictHeaders } from './strict-headers.ts';

/** No request here has a body, and the largest header is a password; times in milliseconds. */
const LIMITS = {
  maxHeaderSize: 8 * 1024,
  /** From the first byte of a request to the end of its headers. */
  headersTimeout: 5000,
  /** To the end of its body. */
  requestTimeout: 5000,
  keepAliveTimeout: 5000,
  /** Interval at which Node checks these limits; its default is half a minute. */
  connectionsCheckingInterval: 1000,
} satisfies ServerOptions;
/** A connection without any traffic for this time is closed, even if its client reads nothing; in milliseconds. */
const SILENT_MS = 15_000;
/** A load balancer, a Prometheus and a few people need ten. */
const MOST_CONNECTIONS = 200;

export interface HttpServer {
  readonly url: string;
  close(): Promise<void>;
}

export type Answer = (request: Request, bindings: HttpBindings) => Response | Promise<Response>;

/**
 * Starts to listen.
 * @param limits shorter limits for a test.
 * @throws if it cannot listen on the address.
 */
export async function listen(
  { host, port }: { host: string; port: number },
  answer: Answer,
  limits: Partial<typeof LIMITS> = {},
): Promise<HttpServer> {
  let respond: ReturnType<typeof listenerOf> | undefined;
  const server = createServer({ ...LIMITS, ...limits }, (incoming, outgoing) => {
    respond ??= listenerOf(answer);
    void respond.then((listener) => listener(incoming, outgoing));
  });
  limitConnections(server, MOST_CONNECTIONS);
  server.setTimeout(SILENT_MS);
  server.listen(port, host);
  await once(server, 'listening').catch((error: NodeJS.ErrnoException) => {
    throw new Error(`HTTP_HOST, HTTP_PORT: cannot listen on ${host}:${port} (${error.code ?? error.name})`);
  });
  const address = server.address();
  const actualPort = address !== null && typeof address === 'object' ? address.port : port;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${actualPort}`,
    close() {
      const { promise: closed, resolve } = Promise.withResolvers<void>();
      server.close(() => resolve());
      server.closeAllConnections();
      return closed;
    },
  };
}

/** Loads its library, 46 ms and 10 MB, with the first request: a worker's first job does not wait for it. */
async function listenerOf(answer: Answer) {
  const { getRequestListener } = await import('@hono/node-server');
  return getRequestListener((request, bindings) => answer(request, onHttp1(bindings)), {
    errorHandler: () => withStrictHeaders(new Response('bad request\n', { status: 400 })),
  });
}

/** The library serves HTTP/2 as well; this server does not. */
function onHttp1(bindings: object): HttpBindings {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what `createServer` of node:http hands out
  return bindings as HttpBindings;
}
