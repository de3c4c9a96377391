/**
 * Stands between BullMQ and somebody's telemetry, and lets through which queue, which job and what was done. BullMQ itself would
 * also tell what a job returned (tokens of a user), why it failed, what an error quotes, and each look into an empty queue.
 */
import type { Telemetry } from 'bullmq';
import { z } from 'zod';
import { EVENT_TYPES } from '../contract/event.ts';
import { isJobName } from '../contract/job.ts';

type Span = ReturnType<Telemetry['tracer']['startSpan']>;
type Attributes = Parameters<Span['setAttributes']>[0];
type Exception = Parameters<Span['recordException']>[0];

/** What BullMQ does that belongs to the story of one job. */
const OPERATIONS = new Set(['add', 'addBulk', 'process']);

const ATTRIBUTES = new Set([
  'bullmq.queue.name',
  'bullmq.queue.operation',
  'bullmq.job.id',
  'bullmq.job.bulk.count',
  'bullmq.job.attempts.made',
]);

/** Beyond it somebody has written something else there: the two headers of a trace are shorter. */
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
          // Another client may have written anything: a job is not to stumble over it.
          return context;
        }
      },
    },
  };
}

/** By its two headers. */
const TraceContext = z.object({ traceparent: z.string(), tracestate: z.string().optional() });

/** What a trace needs to go on. Baggage, in which a service may carry anything, would stay in the job after an erasure. */
function traceOnly(metadata: string): string {
  try {
    return JSON.stringify(TraceContext.parse(JSON.parse(metadata)));
  } catch {
    // Without a trace a job is not to bear even an empty object.
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
  const told = Object.entries(attributes).filter(([name]) => ATTRIBUTES.has(name));
  const job = attributes['bullmq.job.name'];
  if (typeof job === 'string') {
    // A name that is none of ours may be anything, an email too.
    const isKnown = isJobName(job) || EVENT_TYPES.some((type) => type === job);
    told.push(['bullmq.job.name', isKnown ? job : 'unknown']);
  }
  return Object.fromEntries(told);
}

function nameOf(exception: Exception): Exception {
  if (typeof exception === 'string') return { name: 'Error', message: '' };
  const name = 'name' in exception && exception.name !== undefined ? exception.name : 'Error';
  const code = 'code' in exception && exception.code !== undefined ? ` ${exception.code}` : '';
  return { name: `${name}${code}`, message: '' };
}

/** Leaves the context as it is, so that what happens below belongs to the span above. */
const MUTE: Span = {
  setSpanOnContext: (context: unknown): unknown => context,
  setAttribute() {},
  setAttributes() {},
  addEvent() {},
  recordException() {},
  end() {},
};
