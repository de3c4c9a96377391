/**
 * Traces over OTLP/HTTP: BullMQ's spans of jobs, a span for each request to Damoov, and the job's outcome. Loaded only if a receiver is
 * configured. Contains ids, names and figures, never a URL or a body.
 */
import {
  type Attributes,
  type Span,
  SpanKind,
  SpanStatusCode,
  context,
  propagation,
  trace,
} from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { ExportResultCode, W3CTraceContextPropagator } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  AlwaysOnSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  type SpanExporter,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import type { Telemetry } from 'bullmq';
import { BullMQOtel } from 'bullmq-otel';
import type { Arrival } from '../damoov/traffic.ts';
import { redacting } from '../bullmq/redacting-telemetry.ts';
import type { RunReport } from '../lifecycle/delivery.ts';
import type { Notification } from './notifications.ts';
import { withTimeout } from './with-timeout.ts';

export interface TracingOptions {
  /** Of the receiver, without `/v1/traces`. */
  endpoint: string;
  headers: Record<string, string>;
  serviceName: string;
  version: string;
  /** Of the traces that begin here, from 0 to 1; the service that begins a trace decides. */
  ratio: number;
  /** How long spans are batched before they are sent, in milliseconds. */
  gatherMs: number;
  /** Called when the receiver refuses traces, and when it accepts them again. */
  emit: (notification: Notification) => void;
}

export interface Tracing {
  /** For the queues. */
  readonly telemetry: Telemetry;
  /** Makes spans of the notifications within a job. */
  note(notification: Notification): void;
  /** Sends the remaining spans, for two seconds at most. Never rejects. */
  close(): Promise<void>;
}

const LAST_WORDS_MS = 2000;
const NAME = 'damoov-user-lifecycle';

/** Starts tracing; only once in a process, because OpenTelemetry has one global context. */
export function startTracing({
  endpoint,
  headers,
  serviceName,
  version,
  ratio,
  gatherMs,
  emit,
}: TracingOptions): Tracing {
  const url = `${endpoint.replace(/(?<!\/)\/+$/, '')}/v1/traces`;
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ 'service.name': serviceName, 'service.version': version }),
    sampler: new ParentBasedSampler({
      root: ratio === 1 ? new AlwaysOnSampler() : new TraceIdRatioBasedSampler(ratio),
    }),
    spanProcessors: [
      new BatchSpanProcessor({
        exporter: watched(new OTLPTraceExporter({ url, headers }), emit),
        scheduledDelayMillis: gatherMs,
      }),
    ],
  });
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  trace.setGlobalTracerProvider(provider);
  const tracer = provider.getTracer(NAME, version);

  return {
    telemetry: redacting(new BullMQOtel({ tracerName: NAME, version })),
    note(notification) {
      if (notification.is === 'run-ended') describeRun(trace.getActiveSpan(), notification.run);
      if (notification.is !== 'request-ended' || !notification.request.wasSent) return;
      const { request } = notification;
      const endTime = Date.now();
      const span = tracer.startSpan(`damoov ${request.operation}`, {
        kind: SpanKind.CLIENT,
        startTime: endTime - request.durationMs,
        attributes: attributesOf(request),
      });
      if (request.kind !== undefined) span.setStatus({ code: SpanStatusCode.ERROR, message: request.kind });
      span.end(endTime);
    },
    async close() {
      await withTimeout(LAST_WORDS_MS, provider.shutdown());
      trace.disable();
      context.disable();
      propagation.disable();
    },
  };
}

function attributesOf({ operation, status, kind }: Arrival): Attributes {
  return {
    'damoov.operation': operation,
    ...(status !== undefined && { 'http.response.status_code': status }),
    ...(kind !== undefined && { 'error.type': kind }),
  };
}

function describeRun(span: Span | undefined, { operation, instance, attempt, decision }: RunReport): void {
  if (span === undefined) return;
  span.setAttributes({
    'damoov.users.operation': operation,
    'damoov.users.instance': instance,
    'damoov.users.attempt': attempt,
    'damoov.users.next': decision.next,
  });
  if (decision.next !== 'complete' && decision.next !== 'fail') return;
  const { outcome, event } = decision;
  span.setAttribute('damoov.users.outcome', event.type);
  if (event.data.userId !== undefined) span.setAttribute('damoov.users.user_id', event.data.userId);
  if (outcome.status !== 'failed') return;
  span.setAttribute('damoov.users.code', outcome.code);
  span.setStatus({ code: SpanStatusCode.ERROR, message: outcome.code });
}

/** Reports once that traces get lost, and once that they no longer do. */
function watched(exporter: SpanExporter, emit: (notification: Notification) => void): SpanExporter {
  let isLost = false;
  return {
    export(spans, done) {
      exporter.export(spans, (result) => {
        const hasFailed = result.code !== ExportResultCode.SUCCESS;
        if (hasFailed && !isLost) emit({ is: 'traces-lost', reason: result.error?.name ?? 'unknown' });
        if (!hasFailed && isLost) emit({ is: 'traces-ready' });
        isLost = hasFailed;
        done(result);
      });
    },
    shutdown: () => exporter.shutdown(),
    forceFlush: async () => exporter.forceFlush?.(),
  };
}
