import { randomUUID } from 'node:crypto';
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
