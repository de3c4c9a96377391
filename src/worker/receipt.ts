/**
 * The receipt of a deletion that is done: what it says, and its place behind the last one of its instance. Knows neither how it
 * is signed nor where the chain is kept.
 */
import type { DeleteUserJob } from '../contract/job.ts';
import type { Deleted } from '../contract/outcome.ts';
import { type Receipt, type Statement, pseudonymOf } from '../contract/receipt.ts';
import type { Instance } from '../operations/context.ts';
import type { Delivery } from './delivery.ts';
import type { Turns } from './turns.ts';

/** The last receipt of an instance, as the next one names it. */
export interface ChainHead {
  sequence: number;
  hash: string;
}

export interface Receipts {
  headOf: (instance: string) => Promise<ChainHead>;
  sign: (statement: Statement) => Receipt;
  /** Has the receipts of one instance written one after the other; other workers write theirs all the same. */
  inTurn: Turns;
}

/** There can be no receipt, because of its `cause`: asked for again it fails again. */
export class ReceiptError extends Error {
  override readonly name = 'ReceiptError';
}

/**
 * A date that ISO 8601 cannot express is left out.
 * @throws ReceiptError
 */
export async function receiptOf(
  outcome: Deleted,
  { data }: DeleteUserJob,
  instance: Instance,
  { id, timestamp, delayMs }: Delivery,
  receipts: Receipts,
): Promise<Receipt> {
  const { instance: name, clientId, correlationId, occurredAt } = data;
  const { existed, verified, executedAt, confirmedAt } = outcome;
  const requestedAt = iso(occurredAt === undefined ? timestamp : Date.parse(occurredAt));
  const { sequence, hash } = await receipts.headOf(name);
  const statement = {
    version: 1 as const,
    instance: name,
    instanceId: instance.id,
    sequence: sequence + 1,
    previous: hash,
    jobId: id,
    correlationId,
    userId: outcome.userId ?? data.userId,
    pseudonym: clientId === undefined ? undefined : pseudonymOf(clientId, instance),
    scheduledFor: delayMs === 0 ? undefined : iso(timestamp + delayMs),
    executedAt: executedAt === undefined ? undefined : iso(executedAt),
    confirmedAt: confirmedAt === undefined ? undefined : iso(confirmedAt),
    existed,
    verified,
  };
  try {
    if (requestedAt === undefined) throw new RangeError('when it was asked for cannot be expressed');
    return receipts.sign({ ...statement, requestedAt });
  } catch (cause) {
    throw new ReceiptError('no receipt could be written', { cause });
  }
}

/** In four digits of a year; undefined where there are none for it. */
function iso(ms: number): string | undefined {
  return ms >= FIRST_MS && ms <= LAST_MS ? new Date(ms).toISOString() : undefined;
}
const FIRST_MS = Date.parse('0000-01-01T00:00:00.000Z');
const LAST_MS = Date.parse('9999-12-31T23:59:59.999Z');
