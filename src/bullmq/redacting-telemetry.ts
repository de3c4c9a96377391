/**
 * Filters BullMQ's telemetry: only queue, job and operation pass. BullMQ would also record the return value of a job (tokens of a user),
 * failure reasons, error texts, and each poll of an empty queue.
 */
import type { Telemetry } from 'bullmq';
import { z } from 'zod';
import { EVENT_TYPES } from '../contract/event.ts';
import { isJobName } from '../contract/job.ts';

type Span = ReturnType<Telemetry['tracer']['startSpan']>;
type Attributes = Parameters<Span['setAttributes']>[0];
type Exception = Parameters<Span['recordException']>[0];

/** The operations of BullMQ that concern one job. */
const OPERATIONS = new Set(['add', 'addBulk', 'process']);

const ATTRIBUTES = new Set([
  'bullmq.queue.name',
  'bullmq.queue.operation',
  'bullmq.job.id',
  'bullmq.job.bulk.count',
  'bullmq.job.attempts.made',
]);

/** The two trace headers are shorter, so longer metadata is something else. */
const LONGEST_METADATA = 1024;

/** @param telemetry such as `bullmq-otel` makes. */
export function redacting(telemetry: Telemetry): Telemetry {
  const { tracer, contextManager, meter } = telemetry;
  return {
    ...(meter !== undefined && { meter }),
    tracer: {
      startSpan(name, options, context) {
        const [operation = ''] = name.split(' ', 1);
        return OPERATIONS.has(operation) ? quiet(tracer.startSpan(name, options, context)) : MUTE;
      },
    },
    contextManager: {
      with: (context, work) => contextManager.with(context, work),
      active: (): unknown => contextManager.active(),
      ...(contextManager.root !== undefined && { root: (): unknown => contextManager.root?.() }),
      getMetadata: (context) => traceOnly(contextManager.getMetadata(context)),
      fromMetadata(context, metadata): unknown {
        try {
          if (metadata.length > LONGEST_METADATA) return context;
          return contextManager.fromMetadata(context, metadata);
        } catch {
          // Another client may have written anything: it must not fail the job.
          return context;
        }
      },
    },
  };
}

/** By its two headers. */
const TraceContext = z.object({ traceparent: z.string(), tracestate: z.string().optional() });

/** Keeps the trace headers. Baggage may hold anything and would stay in the job after an erasure. */
function traceOnly(metadata: string): string {
  try {
    return JSON.stringify(TraceContext.parse(JSON.parse(metadata)));
  } catch {
    // Without a trace the job carries no metadata.
    return '';
  }
}

function quiet(span: Span): Span {
  const setAttributes = (attributes: Attributes) => span.setAttributes(redacted(attributes));
  return {
    setSpanOnContext: (context: unknown): unknown => span.setSpanOnContext(context),
    setAttribute: (name, value) => setAttributes({ [name]: value }),
    setAttributes,
    addEvent: (name) => span.addEvent(name),
    recordException: (exception, time) => span.recordException(nameOf(exception), time),
    end: () => span.end(),
  };
}

function redacted(attributes: Attributes): Attributes {
  const kept = Object.entries(attributes).filter(([name]) => ATTRIBUTES.has(name));
  const job = attributes['bullmq.job.name'];
  if (typeof job === 'string') {
    // An unknown name may be anything, even an email.
    const isKnown = isJobName(job) || EVENT_TYPES.some((type) => type === job);
    kept.push(['bullmq.job.name', isKnown ? job : 'unknown']);
  }
  return Object.fromEntries(kept);
}

function nameOf(exception: Exception): Exception {
  if (typeof exception === 'string') return { name: 'Error', message: '' };
  const name = 'name' in exception && exception.name !== undefined ? exception.name : 'Error';
  const code = 'code' in exception && exception.code !== undefined ? ` ${exception.code}` : '';
  return { name: `${name}${code}`, message: '' };
}

/** Leaves the context as it is, so that nested work belongs to the span above. */
const MUTE: Span = {
  setSpanOnContext: (context: unknown): unknown => context,
  setAttribute() {},
  setAttributes() {},
  addEvent() {},
  recordException() {},
  end() {},
};
