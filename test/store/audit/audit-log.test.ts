import { randomUUID } from 'node:crypto';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { expect, inject, it, onTestFinished } from 'vitest';
import { createAuditLog } from '../../../src/store/audit/audit-log.ts';

it('what operators have done is read from the oldest on: all, behind an entry, or the latest', async () => {
  const connection = new Redis(inject('redisUrl'), { maxRetriesPerRequest: null });
  const prefix = `{test-${randomUUID()}}`;
  onTestFinished(async () => {
    await connection.del(`${prefix}:audit`);
    connection.disconnect();
  });
  const log = createAuditLog({ connection, prefix });
  const by = { who: 'ada', from: 'command' } as const;
  const filter = { code: 'rejected' };
  for (const what of ['first', 'second', 'third'])
    await log.record({ what, filter, count: 2, ...(what === 'third' && { reason: 'asked to' }) }, by);
  const all = await log.read();
  expect(all).toMatchObject([
    { what: 'first', filter, count: 2, ...by, reason: undefined },
    { what: 'second' },
    { what: 'third', reason: 'asked to' },
  ]);
  const after = all[0]?.id ?? '';
  expect(await log.read({ after })).toEqual(all.slice(1));
  expect(await log.read({ last: 2 })).toEqual(all.slice(1));
  expect(await log.read({ after, last: 1 })).toEqual(all.slice(2));
});

const BY = { who: 'ada', from: 'page' } as const;

function createWorld() {
  const connection = new Redis(inject('redisUrl'), { maxRetriesPerRequest: null });
  const prefix = `{test-${randomUUID()}}`;
  onTestFinished(async () => {
    const keys = await connection.keys(`${prefix}*`);
    if (keys.length > 0) await connection.unlink(...keys);
    connection.disconnect();
  });
  return { connection, prefix, key: `${prefix}:audit` };
}

it('what operators have done is kept for a year', async () => {
  const { connection, prefix, key } = createWorld();
  const yearAgo = Date.now() - 366 * 86_400_000;
  // Redis trims whole nodes, of a hundred entries.
  for (let n = 0; n < 200; n += 1) await connection.xadd(key, `${yearAgo}-${n + 1}`, 'what', 'old');
  await createAuditLog({ connection, prefix }).record({ what: 'new', filter: {}, count: 1 }, BY);
  expect(await connection.xlen(key)).toBeLessThan(200);
  expect(await connection.pttl(key)).toBeGreaterThan(364 * 86_400_000);
});

it('what operators have done is an event, too, the same entry once', async () => {
  const { connection, prefix, key } = createWorld();
  const log = createAuditLog({ connection, prefix, queue: 'events' });
  const action = { what: 'failed retry', filter: { code: 'rejected' }, count: 2 };
  await log.record(action, BY);
  await log.record({ ...action, reason: 'asked to' }, BY);
  const [first, second] = await log.read();
  const jobs = await new Queue('events', { connection, prefix }).getJobs(['wait'], 0, -1, true);
  expect(jobs.map(({ name, id }) => [name, id])).toEqual([
    ['operator.action', `audit-${first?.id}`],
    ['operator.action', `audit-${second?.id}`],
  ]);
  expect(jobs[0]?.data).toEqual({
    specversion: '1.0',
    id: `audit/${first?.id}`,
    source: `/damoov-users/${prefix.slice(1, -1)}/audit`,
    type: 'operator.action',
    time: new Date(first?.at ?? 0).toISOString(),
    datacontenttype: 'application/json',
    data: { ...action, ...BY },
  });
  expect(jobs[1]?.data).toMatchObject({ data: { ...action, ...BY, reason: 'asked to' } });
  expect(jobs[0]?.opts).toMatchObject({ removeOnComplete: { age: 3600, count: 1000 }, attempts: 10 });
  expect(first?.at).toBe(Number.parseInt(first?.id ?? '', 10));
  expect(await connection.exists(key)).toBe(1);
});

it('an entry that another version wrote is left out', async () => {
  const { connection, prefix, key } = createWorld();
  const log = createAuditLog({ connection, prefix });
  for (const filter of ['no JSON', '[]', '5']) {
    const fields = { what: 'x', filter, count: '1', who: 'ada', from: 'page', reason: '' };
    await connection.xadd(key, '*', ...Object.entries(fields).flat());
  }
  await connection.xadd(key, '*', 'what', 'x');
  expect(await log.read()).toEqual([]);
});

it('an action that cannot be written down is not to begin', async () => {
  const { connection, prefix, key } = createWorld();
  await connection.set(key, 'no stream');
  const log = createAuditLog({ connection, prefix, queue: 'events' });
  await expect(log.record({ what: 'x', filter: {}, count: 1 }, BY)).rejects.toThrow('WRONGTYPE');
  expect(await connection.keys(`${prefix}:events:*`)).toEqual([]);
});

it('recording adds no listener to the connection each time', async () => {
  const { connection, prefix } = createWorld();
  const log = createAuditLog({ connection, prefix, queue: 'events' });
  const listeners = () => connection.eventNames().map((name) => [name, connection.listenerCount(name)]);
  await log.record({ what: 'first', filter: {}, count: 1 }, BY);
  const before = listeners();
  await log.record({ what: 'second', filter: {}, count: 1 }, BY);
  expect(listeners()).toEqual(before);
});
