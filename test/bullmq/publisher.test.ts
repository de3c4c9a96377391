import { once } from 'node:events';
import { randomUUID } from 'node:crypto';
import type { Telemetry } from 'bullmq';
import { Redis } from 'ioredis';
import { describe, expect, inject, it, onTestFinished, vi } from 'vitest';
import { type UserEvent, eventOf } from '../../src/contract/event.ts';
import type { Settled } from '../../src/contract/outcome.ts';
import { createPublisher } from '../../src/bullmq/publisher.ts';
import { redacting } from '../../src/bullmq/redacting-telemetry.ts';
import { recordTelemetry } from '../support/recorded-telemetry.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';

const QUEUES = ['user-events', 'crm'];
const userId = '9b1c2f5e-0d6a-4c39-8f0e-6f3a1b2c3d4e';
const UPDATED: Settled = { status: 'done', type: 'user.updated', userId, changed: ['phone'] };

function eventWith({ jobId = '1', now = 0, outcome = UPDATED } = {}): UserEvent {
  return eventOf(outcome, {
    source: '/damoov-users/damoov/user-jobs',
    timestamp: 0,
    jobId,
    operation: 'update-user',
    instance: 'default',
    clientId: 'c-1',
    attempts: 1,
    now,
  });
}

/** A publisher on queues of its own. */
function createWorld({ telemetry, names = QUEUES }: { telemetry?: Telemetry; names?: string[] } = {}) {
  const prefix = `{test-${randomUUID()}}`;
  const connection = new Redis(inject('redisUrl'), { maxRetriesPerRequest: null });
  const publisher = createPublisher(connection, prefix, names, telemetry);
  onTestFinished(async () => {
    const keys = await connection.keys(`${prefix}*`);
    if (keys.length > 0) await connection.unlink(...keys);
    await publisher.close();
    connection.disconnect();
  });
  const lying = async () =>
    (await Promise.all(publisher.queues.map((queue) => queue.getJobs(['wait'], 0, -1, true)))).flat();
  return { publisher, lying };
}

const refuseOn = (queue: ReturnType<typeof createPublisher>['queues'][number] | undefined) => {
  if (queue === undefined) throw new Error('there is no such queue');
  const refusal = Object.assign(new Error('OOM command not allowed'), { name: 'ReplyError' });
  vi.spyOn(queue.getBackend(), 'addJob').mockRejectedValueOnce(refusal);
};

describe('an event that is published', () => {
  it.each([
    ['', {}],
    [', also with the trace of its job', { telemetry: recordTelemetry().telemetry }],
  ])('lies on every events queue with its retries and a bounded history%s', async (_also, options) => {
    const { publisher, lying } = createWorld(options);
    const event = eventWith();
    await publisher.publish(event);
    const jobs = await lying();
    expect(jobs.map(({ queueName }) => queueName)).toEqual(QUEUES);
    for (const { name, data, opts } of jobs) {
      expect([name, data]).toEqual(['user.updated', event]);
      expect(opts).toMatchObject({
        attempts: 10,
        backoff: { type: 'exponential', delay: 1000 },
        removeOnComplete: { age: 3600, count: 1000 },
        removeOnFail: { age: 14 * 24 * 3600 },
      });
    }
  });

  it.each([{ accessToken: 'a' }, { refreshToken: 'r' }])('with a token is not kept: %j', async (token) => {
    const { publisher, lying } = createWorld();
    const created: Settled = { status: 'done', type: 'user.created', userId, existed: false, ...token };
    await publisher.publish(eventWith({ outcome: created }));
    expect(await lying()).toMatchObject(QUEUES.map(() => ({ opts: { removeOnComplete: true } })));
  });

  it('again is there once, and one of the same job that has ended anew once more', async () => {
    const { publisher, lying } = createWorld({ names: ['user-events'] });
    const [first, again] = [eventWith(), eventWith({ now: 1 })];
    expect(again.id).toBe(first.id);
    await Promise.all([first, first].map((event) => publisher.publish(event)));
    for (const event of [first, again]) await publisher.publish(event);
    expect((await lying()).map(({ data }) => data as UserEvent)).toEqual([first, again]);
  });

  it('lies behind those that were published before it', async () => {
    const { publisher, lying } = createWorld({ names: ['user-events'] });
    const events = ['1', '2', '3'].map((jobId) => eventWith({ jobId }));
    await Promise.all(events.map((event) => publisher.publish(event)));
    expect((await lying()).map(({ data }) => data as UserEvent)).toEqual(events);
  });

  it('is published only once every queue has it', async () => {
    const { publisher, lying } = createWorld();
    refuseOn(publisher.queues[1]);
    const event = eventWith();
    await expect(publisher.publish(event)).rejects.toMatchObject({ name: 'ReplyError' });
    await publisher.publish(event);
    expect((await lying()).map(({ data }) => data as UserEvent)).toEqual([event, event]);
  });

  it('bears the trace of a span for each queue', async () => {
    const { telemetry } = recordTelemetry();
    const { publisher, lying } = createWorld({ telemetry });
    await publisher.publish(eventWith());
    expect((await lying()).map(({ opts }) => opts.telemetry?.metadata)).toEqual([
      '{"traceparent":"active>add user-events.user.updated"}',
      '{"traceparent":"active>add crm.user.updated"}',
    ]);
  });

  it('has a span that says what was added and ends', async () => {
    const { told, telemetry } = recordTelemetry();
    const { publisher, lying } = createWorld({ telemetry, names: ['user-events'] });
    await publisher.publish(eventWith());
    const [{ id } = expect.fail()] = await lying();
    expect(told).toEqual([
      'add user-events.user.updated',
      { 'bullmq.queue.name': 'user-events', 'bullmq.queue.operation': 'add' },
      { 'bullmq.job.name': 'user.updated', 'bullmq.job.id': id },
      'end',
    ]);
  });

  it('and is not added has its span say so', async () => {
    const { told, telemetry } = recordTelemetry();
    const { publisher } = createWorld({ telemetry: redacting(telemetry), names: ['user-events'] });
    refuseOn(publisher.queues[0]);
    await expect(publisher.publish(eventWith())).rejects.toThrow('OOM');
    expect(told.slice(-2)).toEqual([{ name: 'ReplyError', message: '' }, 'end']);
  });

  it('goes nowhere where there are no queues', async () => {
    const { publisher } = createWorld({ names: [] });
    await expect(publisher.publish(eventWith())).resolves.toBeUndefined();
  });
});

describe('a publisher', () => {
  it('says nothing of a connection that is lost, as the connection does', async () => {
    const printed = vi.spyOn(console, 'error').mockReturnValue();
    onTestFinished(() => printed.mockRestore());
    const proxy = await startTcpProxy(inject('redisUrl'));
    onTestFinished(() => proxy.close());
    const connection = new Redis(proxy.url, { maxRetriesPerRequest: null });
    onTestFinished(() => connection.disconnect());
    const publisher = createPublisher(connection, '{none}', QUEUES);
    await once(connection, 'ready');
    const lost = once(connection, 'error');
    await proxy.sever();
    await lost;
    await publisher.close();
    expect(printed).not.toHaveBeenCalled();
  });

  it('lets go of the connection, which is not its own', async () => {
    const connection = new Redis(inject('redisUrl'), { maxRetriesPerRequest: null });
    onTestFinished(() => connection.disconnect());
    const listeners = () => connection.eventNames().map((name) => [name, connection.listenerCount(name)]);
    const before = listeners();
    const publisher = createPublisher(connection, '{none}', QUEUES);
    await Promise.all(publisher.queues.map((queue) => queue.waitUntilReady()));
    expect(listeners()).not.toEqual(before);
    await publisher.close();
    expect(listeners()).toEqual(before);
    expect(await connection.ping()).toBe('PONG');
  });
});
