/**
 * Builds the statement of a deletion receipt. Signing and chaining happen elsewhere.
 */
import type { DeleteUserJob } from '../contract/job.ts';
import type { Deleted } from '../contract/outcome.ts';
import { pseudonymOf } from '../contract/receipt.ts';
import type { Instance } from '../operations/context.ts';
import type { Delivery } from './delivery.ts';
import type { Unchained } from './ports/user-state.ts';

/**
 * Leaves out a date that ISO 8601 cannot express.
 * @throws RangeError if that date is the time of the request.
 */
export function statementOf(
  outcome: Deleted,
  { data }: DeleteUserJob,
  instance: Instance,
  delivery: Pick<Delivery, 'id' | 'timestamp' | 'requestedAt' | 'delayMs' | 'dueAt'>,
): Unchained {
  const { id, timestamp, requestedAt: addedAt = timestamp, delayMs, dueAt = timestamp + delayMs } = delivery;
  const { instance: name, clientId, correlationId, occurredAt } = data;
  const { existed, verified, executedAt, confirmedAt } = outcome;
  const requestedAt = iso(occurredAt === undefined ? addedAt : Date.parse(occurredAt));
  if (requestedAt === undefined)
    throw new RangeError('the time of the request cannot be expressed in ISO 8601');
  return {
    version: 1,
    instance: name,
    instanceId: instance.id,
    jobId: id,
    correlationId,
    userId: outcome.userId ?? data.userId,
    pseudonym: clientId === undefined ? undefined : pseudonymOf(clientId, instance),
    requestedAt,
    scheduledFor: dueAt > timestamp ? iso(dueAt) : undefined,
    executedAt: executedAt === undefined ? undefined : iso(executedAt),
    confirmedAt: confirmedAt === undefined ? undefined : iso(confirmedAt),
    existed,
    verified,
  };
}

/** ISO 8601 has four digits for a year; undefined if it needs more. */
function iso(ms: number): string | undefined {
  return ms >= FIRST_MS && ms <= LAST_MS ? new Date(ms).toISOString() : undefined;
}
const FIRST_MS = Date.parse('0000-01-01T00:00:00.000Z');
const LAST_MS = Date.parse('9999-12-31T23:59:59.999Z');
