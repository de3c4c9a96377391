/**
 * Receipts of deletions that never were, chained and signed as the product would.
 */
import { generateKeyPairSync } from 'node:crypto';
import { type UserEvent, eventOf } from '../../src/contract/event.ts';
import {
  type Receipt,
  type SigningKey,
  type Statement,
  GENESIS,
  keyIdOf,
  signReceipt,
} from '../../src/contract/receipt.ts';

export function newKey(): SigningKey {
  const { privateKey } = generateKeyPairSync('ed25519');
  return { privateKey, keyId: keyIdOf(privateKey) };
}

/** One statement, to be changed at will. */
export const statement: Statement = {
  version: 1,
  instance: 'default',
  instanceId: '11111111-1111-4111-8111-111111111111',
  sequence: 1,
  previous: GENESIS,
  jobId: '1234',
  userId: '0e8f8b1c-6d0b-4b7e-9c3a-0a1b2c3d4e5f',
  requestedAt: '2026-01-02T03:04:05.678Z',
  executedAt: '2026-01-02T03:04:06.000Z',
  confirmedAt: '2026-01-02T03:04:06.100Z',
  existed: true,
  verified: true,
};

/** So many receipts, of the instances in turn, each in the chain of its instance. */
export function receiptsOf(count: number, instances: readonly string[], key?: SigningKey): Receipt[] {
  const heads = new Map<string, Receipt>();
  return Array.from({ length: count }, (_, index) => {
    const instance = instances[index % instances.length] ?? '';
    const head = heads.get(instance);
    const receipt = signReceipt(
      {
        ...statement,
        instance,
        sequence: (head?.sequence ?? 0) + 1,
        previous: head?.hash ?? GENESIS,
        // What JSON escapes, what it does not, and what some take for the end of a line.
        jobId: ['j', 'ü\u2028', '\u001f"\\'][index % 3] + String(index),
      },
      key,
    );
    heads.set(instance, receipt);
    return receipt;
  });
}

/** The event that brings a receipt. */
export function eventWith(receipt: Receipt): UserEvent {
  const { instance, jobId, userId = '', existed, verified } = receipt;
  const event = eventOf(
    { status: 'done', type: 'user.deleted', userId, existed, verified },
    {
      source: '/damoov-users/damoov/user-jobs',
      timestamp: 1795878932453,
      jobId,
      instance,
      operation: 'delete-user',
      attempts: 1,
      now: 0,
      clientId: 'c-1',
    },
  );
  if (event.type !== 'user.deleted') throw new Error('another event');
  return { ...event, data: { ...event.data, receipt } };
}

/** The lines of a file, each with its line feed. */
export function linesOf(values: readonly unknown[]): string[] {
  return values.map((value) => `${JSON.stringify(value)}\n`);
}
