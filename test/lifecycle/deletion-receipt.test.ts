import { describe, expect, it } from 'vitest';
import { pseudonymOf } from '../../src/contract/receipt.ts';
import { statementOf } from '../../src/lifecycle/deletion-receipt.ts';
import type { Unchained } from '../../src/lifecycle/ports/user-state.ts';
import { A, B, HOUR_MS, INSTANCE, NOW } from '../operations/operation-world.ts';

const DELETED = { status: 'done', type: 'user.deleted', existed: true, verified: true } as const;

function stated({
  outcome = {},
  data = {},
  delayMs = 0,
}: {
  outcome?: Partial<Parameters<typeof statementOf>[0]>;
  data?: Partial<Parameters<typeof statementOf>[1]['data']>;
  delayMs?: number;
}): Unchained {
  return statementOf(
    { ...DELETED, ...outcome },
    { name: 'delete-user', data: { instance: 'main', ...data } },
    INSTANCE,
    { id: 'job', timestamp: NOW, delayMs },
  );
}

const iso = (ms: number) => new Date(ms).toISOString();

describe('the receipt of a deletion', () => {
  it('names its job and its instance', () => {
    expect(stated({ data: { correlationId: 'r-1' } })).toMatchObject({
      version: 1,
      instance: 'main',
      instanceId: INSTANCE.id,
      jobId: 'job',
      correlationId: 'r-1',
      existed: true,
      verified: true,
    });
  });

  it('names the user who was deleted, else the one that the job named', () => {
    expect(stated({ outcome: { userId: A }, data: { userId: B } }).userId).toBe(A);
    expect(stated({ data: { userId: B } }).userId).toBe(B);
  });

  it('names no clientId but its pseudonym, and none where the job named none', () => {
    const statement = stated({ data: { clientId: 'c-1' } });
    expect(statement.pseudonym).toBe(pseudonymOf('c-1', INSTANCE));
    expect(JSON.stringify(statement)).not.toContain('c-1');
    expect(stated({ data: { userId: A } }).pseudonym).toBeUndefined();
  });

  it('says when it was asked for: when the job was added, unless its sender knows better', () => {
    expect(stated({}).requestedAt).toBe(iso(NOW));
    const occurredAt = '2027-01-01T01:00:00+01:00';
    expect(stated({ data: { occurredAt } }).requestedAt).toBe('2027-01-01T00:00:00.000Z');
  });

  it('says when a deferred one was due', () => {
    expect(stated({ delayMs: HOUR_MS }).scheduledFor).toBe(iso(NOW + HOUR_MS));
    expect(stated({}).scheduledFor).toBeUndefined();
  });

  it('has the first and the last date that ISO 8601 can express', () => {
    const [first, last] = ['0000-01-01T00:00:00.000Z', '9999-12-31T23:59:59.999Z'];
    const outcome = { executedAt: Date.parse(first), confirmedAt: Date.parse(last) };
    expect(stated({ outcome })).toMatchObject({ executedAt: first, confirmedAt: last });
  });

  it('leaves out a date that ISO 8601 cannot express, and is not written without the time of the request', () => {
    const statement = stated({ delayMs: 253_402_214_400_000, outcome: { executedAt: -1e15 } });
    expect(statement).toMatchObject({
      requestedAt: iso(NOW),
      scheduledFor: undefined,
      executedAt: undefined,
    });
    const data = { occurredAt: '0000-01-01T00:00:00+01:00' };
    expect(() => stated({ data })).toThrow('the time of the request');
    expect(stated({ delayMs: Number.NaN })).toMatchObject({ scheduledFor: undefined });
  });

  it('says when it was done and confirmed, as far as it was', () => {
    const outcome = { executedAt: NOW + 1, confirmedAt: NOW + 2 };
    const times = { executedAt: iso(NOW + 1), confirmedAt: iso(NOW + 2) };
    expect(stated({ outcome })).toMatchObject(times);
    expect(stated({})).toMatchObject({ executedAt: undefined, confirmedAt: undefined });
  });
});
