/**
 * Telemetry of a service, as BullMQ takes it, that writes down all that it is told. Its context is a text: the spans that are open.
 */
import type { Telemetry } from 'bullmq';

/** @param metadataOf what of a context goes with a job. Default: a trace that bears its name. */
export function recordTelemetry(metadataOf = (context: string) => JSON.stringify({ traceparent: context })): {
  told: unknown[];
  telemetry: Telemetry;
} {
  const told: unknown[] = [];
  const telemetry: Telemetry<string> = {
    tracer: {
      startSpan(name) {
        told.push(name);
        return {
          setSpanOnContext: (context) => `${context}>${name}`,
          setAttribute: (key, value) => void told.push({ [key]: value }),
          setAttributes: (attributes) => void told.push(attributes),
          addEvent: (event, attributes) => void told.push([event, attributes]),
          recordException: (exception) => void told.push(exception),
          end: () => void told.push('end'),
        };
      },
    },
    contextManager: {
      with: (_context, work) => work() as never,
      active: () => 'active',
      getMetadata: metadataOf,
      fromMetadata(context, text) {
        return `${context}+${(JSON.parse(text) as { traceparent: string }).traceparent}`;
      },
    },
  };
  return { told, telemetry: telemetry as Telemetry };
}
