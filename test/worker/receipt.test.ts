import { describe, expect, it } from 'vitest';
import { type Statement, pseudonymOf, signReceipt } from '../../src/contract/receipt.ts';
import { receiptOf } from '../../src/worker/receipt.ts';
import { createTurns } from '../../src/worker/turns.ts';
import { A, B, HOUR_MS, INSTANCE, NOW } from '../operations/operation-world.ts';

const DELETED = { status: 'done', type: 'user.deleted', existed: true, verified: true } as const;
const HASH = 'a'.repeat(64);

async function statementOf({
  outcome = {},
  data = {},
  delayMs = 0,
}: {
  outcome?: Partial<Parameters<typeof receiptOf>[0]>;
  data?: Partial<Parameters<typeof receiptOf>[1]['data']>;
  delayMs?: number;
}): Promise<Statement> {
  const statements: Statement[] = [];
  await receiptOf(
    { ...DELETED, ...outcome },
    { name: 'delete-user', data: { instance: 'main', ...data } },
    INSTANCE,
    {
      id: 'job',
      name: 'delete-user',
      text: '',
      timestamp: NOW,
      delayMs,
      attempt: 1,
      nonce: '',
      stalls: 0,
      token: '',
      maySend: () => true,
      signal: new AbortController().signal,
    },
    {
      headOf: async (instance) => ({ sequence: instance === 'main' ? 6 : 0, hash: HASH }),
      sign: (statement) => (statements.push(statement), signReceipt(statement)),
      inTurn: createTurns(),
    },
  );
  const [statement] = statements;
  if (statement === undefined) throw new Error('nothing was signed');
  return statement;
}

const iso = (ms: number) => new Date(ms).toISOString();

describe('the receipt of a deletion', () => {
  it('names its job, its instance, and the receipt before it', async () => {
    expect(await statementOf({ data: { correlationId: 'r-1' } })).toMatchObject({
      version: 1,
      instance: 'main',
      instanceId: INSTANCE.id,
      sequence: 7,
      previous: HASH,
      jobId: 'job',
      correlationId: 'r-1',
      existed: true,
      verified: true,
    });
  });

  it('names the user who was deleted, else the one that the job named', async () => {
    expect((await statementOf({ outcome: { userId: A }, data: { userId: B } })).userId).toBe(A);
    expect((await statementOf({ data: { userId: B } })).userId).toBe(B);
  });

  it('names no clientId but its pseudonym, and none where the job named none', async () => {
    const statement = await statementOf({ data: { clientId: 'c-1' } });
    expect(statement.pseudonym).toBe(pseudonymOf('c-1', INSTANCE));
    expect(JSON.stringify(statement)).not.toContain('c-1');
    expect((await statementOf({ data: { userId: A } })).pseudonym).toBeUndefined();
  });

  it('says when it was asked for: when the job was added, unless its sender knows better', async () => {
    expect((await statementOf({})).requestedAt).toBe(iso(NOW));
    const occurredAt = '2027-01-01T01:00:00+01:00';
    expect((await statementOf({ data: { occurredAt } })).requestedAt).toBe('2027-01-01T00:00:00.000Z');
  });

  it('says when a deferred one was due', async () => {
    expect((await statementOf({ delayMs: HOUR_MS })).scheduledFor).toBe(iso(NOW + HOUR_MS));
    expect((await statementOf({})).scheduledFor).toBeUndefined();
  });

  it('leaves out what no calendar of four digits holds, and is not written without when it was asked for', async () => {
    const statement = await statementOf({ delayMs: 253_402_214_400_000, outcome: { executedAt: -1e15 } });
    expect(statement).toMatchObject({
      requestedAt: iso(NOW),
      scheduledFor: undefined,
      executedAt: undefined,
    });
    const data = { occurredAt: '0000-01-01T00:00:00+01:00' };
    await expect(statementOf({ data })).rejects.toMatchObject({
      name: 'ReceiptError',
      cause: { message: expect.stringContaining('when it was asked for') },
    });
    await expect(statementOf({ delayMs: Number.NaN })).resolves.toMatchObject({ scheduledFor: undefined });
  });

  it('says when it was done and confirmed, as far as it was', async () => {
    const outcome = { executedAt: NOW + 1, confirmedAt: NOW + 2 };
    const times = { executedAt: iso(NOW + 1), confirmedAt: iso(NOW + 2) };
    expect(await statementOf({ outcome })).toMatchObject(times);
    expect(await statementOf({})).toMatchObject({ executedAt: undefined, confirmedAt: undefined });
  });
});
