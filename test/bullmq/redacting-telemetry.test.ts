import { SpanKind } from 'bullmq';
import { describe, expect, it } from 'vitest';
import { redacting } from '../../src/bullmq/redacting-telemetry.ts';
import { recordTelemetry } from '../support/recorded-telemetry.ts';

function openTelemetry(metadata = '') {
  const { told, telemetry } = recordTelemetry(() => metadata);
  return { told, ...redacting(telemetry) };
}

describe("BullMQ's telemetry", () => {
  it('records the id, queue and known name of a job, and nothing of its data or result', () => {
    const { told, tracer } = openTelemetry();
    const span = tracer.startSpan('process user-jobs', { kind: SpanKind.CONSUMER });
    span.setAttributes({
      'bullmq.queue.name': 'user-jobs',
      'bullmq.job.id': '1',
      'bullmq.job.name': 'create-user',
      'bullmq.job.result': '{"accessToken":"secret"}',
      'bullmq.job.failed.reason': 'secret',
      'bullmq.job.bulk.names': ['secret'],
      'bullmq.worker.options': 'secret',
    });
    span.setAttribute('bullmq.job.name', 'ada@example.com');
    span.addEvent('job completed', { 'bullmq.job.result': 'secret' });
    span.recordException(
      Object.assign(new TypeError("ERR unknown command 'x', with args: 'secret'"), { code: 'ERR' }),
    );
    span.recordException('secret');
    span.end();
    expect(told).toEqual([
      'process user-jobs',
      { 'bullmq.queue.name': 'user-jobs', 'bullmq.job.id': '1', 'bullmq.job.name': 'create-user' },
      { 'bullmq.job.name': 'unknown' },
      ['job completed', undefined],
      { name: 'TypeError ERR', message: '' },
      { name: 'Error', message: '' },
      'end',
    ]);
  });

  it.for(['getNextJob user-jobs', 'extendLocks user-jobs', 'moveStalledJobsToWait user-jobs', 'complete x'])(
    'opens no span for what belongs to no job: %s',
    (name) => {
      const { told, tracer } = openTelemetry();
      const span = tracer.startSpan(name, { kind: SpanKind.INTERNAL });
      span.setAttribute('bullmq.job.id', '1');
      span.end();
      expect(span.setSpanOnContext('above')).toBe('above');
      expect(told).toEqual([]);
    },
  );

  it('hands on the trace alone', () => {
    const whole = { traceparent: '00-1-2-01', tracestate: 'a=b', baggage: 'customer=secret' };
    const { contextManager } = openTelemetry(JSON.stringify(whole));
    expect(JSON.parse(contextManager.getMetadata('active'))).toEqual({
      traceparent: '00-1-2-01',
      tracestate: 'a=b',
    });
    for (const without of ['{}', '{"baggage":"x"}', 'nonsense', '']) {
      expect(openTelemetry(without).contextManager.getMetadata('active')).toBe('');
    }
  });

  it('takes what cannot be a trace for none', () => {
    const { contextManager } = openTelemetry();
    expect(contextManager.fromMetadata('active', '{"traceparent":"00"}')).toBe('active+00');
    for (const nonsense of ['nonsense', 'null', '', `{"traceparent":"${'0'.repeat(2000)}"}`]) {
      expect(contextManager.fromMetadata('active', nonsense)).toBe('active');
    }
  });
});
