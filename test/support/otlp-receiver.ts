/**
 * Receives traces over OTLP/HTTP, as JSON, and keeps them. Knows spans, not what they are about.
 */
import { type IncomingMessage, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { onTestFinished } from 'vitest';

export interface ReceivedSpan {
  service: string;
  traceId: string;
  spanId: string;
  /** Empty where there is none. */
  parentSpanId: string;
  name: string;
  attributes: Record<string, unknown>;
  hasFailed: boolean;
}

export interface OtlpReceiver {
  readonly url: string;
  /** Every request's body as it came. */
  readonly bodies: readonly string[];
  readonly headers: readonly NodeJS.Dict<string | string[]>[];
  readonly spans: readonly ReceivedSpan[];
  /** How many requests were answered with anything but 200. */
  readonly refused: number;
  /** From now on it answers this. */
  answer(status: number): void;
}

interface Body {
  resourceSpans: {
    resource: { attributes: Attribute[] };
    scopeSpans: {
      spans: (Omit<ReceivedSpan, 'attributes' | 'service' | 'hasFailed' | 'parentSpanId'> & {
        parentSpanId?: string;
        attributes: Attribute[];
        status: { code: number };
      })[];
    }[];
  }[];
}
interface Attribute {
  key: string;
  value: Record<string, unknown>;
}

export async function startOtlpReceiver(): Promise<OtlpReceiver> {
  const bodies: string[] = [];
  const headers: NodeJS.Dict<string | string[]>[] = [];
  const spans: ReceivedSpan[] = [];
  let status = 200;
  let refused = 0;
  const receive = async (request: IncomingMessage) => {
    const body = await text(request);
    if (status !== 200) {
      refused += 1;
      return;
    }
    bodies.push(body);
    headers.push(request.headers);
    spans.push(...spansIn(JSON.parse(body) as Body));
  };
  const server = createServer((request, response) => {
    void receive(request).then(() =>
      response.writeHead(status, { 'content-type': 'application/json' }).end('{}'),
    );
  });
  const { promise: listening, resolve } = Promise.withResolvers<void>();
  server.listen(0, '127.0.0.1', resolve);
  await listening;
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    bodies,
    headers,
    spans,
    get refused() {
      return refused;
    },
    answer: (next) => (status = next),
  };
}

function spansIn({ resourceSpans }: Body): ReceivedSpan[] {
  return resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) =>
      spans.map(({ attributes, status, parentSpanId = '', ...span }) => ({
        ...span,
        parentSpanId,
        service: String(valuesOf(resource.attributes)['service.name']),
        attributes: valuesOf(attributes),
        hasFailed: status.code === 2,
      })),
    ),
  );
}

function valuesOf(attributes: Attribute[]): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
}
