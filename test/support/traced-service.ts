/**
 * A service that brings its own OpenTelemetry, as a process: it asks (`ask`, one call a line of its input) or listens (`listen`).
 */
import { createInterface } from 'node:readline';
import { context, propagation, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { CompositePropagator, W3CBaggagePropagator, W3CTraceContextPropagator } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { BullMQOtel } from 'bullmq-otel';
import { UserEvents, UserJobs } from '../../src/index.ts';

const [role = '', queue = ''] = process.argv.slice(2);
const { REDIS_URL: redis = '', QUEUE_PREFIX: prefix, OTLP = '' } = process.env;

const provider = new TracerProvider({
  resource: resourceFromAttributes({ 'service.name': role === 'ask' ? 'shop' : queue }),
  spanProcessors: [
    new SimpleSpanProcessor({ exporter: new OTLPTraceExporter({ url: `${OTLP}/v1/traces` }) }),
  ],
});
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
propagation.setGlobalPropagator(
  new CompositePropagator({ propagators: [new W3CTraceContextPropagator(), new W3CBaggagePropagator()] }),
);
trace.setGlobalTracerProvider(provider);
const telemetry = new BullMQOtel({ tracerName: 'service' });
const tracer = trace.getTracer('service');

if (role === 'listen') {
  const events = new UserEvents({ redis, prefix, queue, telemetry }, (event) =>
    tracer.startActiveSpan('note the user', (span) => {
      span.end();
      process.stdout.write(`${event.type}\n`);
    }),
  );
  process.once('SIGTERM', () => void events.close());
} else {
  const users = new UserJobs({ redis, prefix, telemetry, failAfterMs: 10_000 });
  // A service may carry anything in its baggage.
  const baggage = propagation.createBaggage({ 'shop.customer': { value: 'kanarie baggage' } });
  for await (const line of createInterface({ input: process.stdin })) {
    const { call, user, options } = JSON.parse(line) as {
      call: 'create' | 'update' | 'delete';
      user: never;
      options?: never;
    };
    await context.with(propagation.setBaggage(context.active(), baggage), () =>
      tracer.startActiveSpan(`${call} in the shop`, async (span) => {
        const { id } = await users[call](user, options);
        span.end();
        process.stdout.write(`${JSON.stringify({ id, traceId: span.spanContext().traceId })}\n`);
      }),
    );
  }
}
