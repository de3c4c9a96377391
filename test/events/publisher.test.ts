import { once } from 'node:events';
import type { Telemetry } from 'bullmq';
import { Redis } from 'ioredis';
import { describe, expect, inject, it, onTestFinished, vi } from 'vitest';
import { createPublisher } from '../../src/events/publisher.ts';
import { reticent } from '../../src/redis/reticent-telemetry.ts';
import { createLedgerWorld, live } from '../redis/ledger/ledger-world.ts';
import { recordTelemetry } from '../support/recorded-telemetry.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';

const QUEUES = ['user-events', 'crm'];

/** Settles a job with its event, and answers what lies on the events queues then. */
async function publish({ isLost = false, ...options }: { isLost?: boolean; telemetry?: Telemetry } = {}) {
  const world = await createLedgerWorld({ eventsQueues: QUEUES, ...options });
  const job = await world.start();
  const user = await world.take(job);
  if (isLost) {
    await world.loseLock(job);
    await world.take(await world.start());
  }
  const settlement = world.settlementOf(job);
  await user.settle(settlement, live(user));
  const lying = await Promise.all(world.events.map((queue) => queue.getJobs(['wait'])));
  return { event: settlement.event, lying: lying.flat() };
}

describe('an event that is published', () => {
  it.each([
    ['', {}],
    [', also with the trace of its job', { telemetry: recordTelemetry().telemetry }],
  ])('lies on every events queue with its retries and a bounded history%s', async (_also, options) => {
    const { event, lying } = await publish(options);
    expect(lying.map(({ queueName }) => queueName)).toEqual(QUEUES);
    for (const { name, data, opts } of lying) {
      expect([name, data]).toEqual(['user.updated', event]);
      expect(opts).toMatchObject({
        attempts: 10,
        backoff: { type: 'exponential', delay: 1000 },
        removeOnComplete: { age: 3600, count: 1000 },
        removeOnFail: { age: 14 * 24 * 3600 },
      });
    }
  });

  it('bears the trace of a span for each queue, which says what was added and ends', async () => {
    const { told, telemetry } = recordTelemetry();
    const { lying } = await publish({ telemetry });
    expect(lying.map(({ opts }) => opts.telemetry?.metadata)).toEqual([
      '{"traceparent":"active>add user-events.user.updated"}',
      '{"traceparent":"active>add crm.user.updated"}',
    ]);
    const spanOf = (queue: string) => [
      `add ${queue}.user.updated`,
      {
        'bullmq.queue.name': queue,
        'bullmq.queue.operation': 'add',
        'bullmq.job.name': 'user.updated',
      },
    ];
    expect(told).toEqual([...spanOf('user-events'), ...spanOf('crm'), 'end', 'end']);
  });

  it('and is not added, as its job was lost, has its spans say so', async () => {
    const { told, telemetry } = recordTelemetry();
    expect((await publish({ telemetry: reticent(telemetry), isLost: true })).lying).toEqual([]);
    const end = [{ name: 'not added', message: '' }, 'end'];
    expect(told.slice(-4)).toEqual([...end, ...end]);
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
