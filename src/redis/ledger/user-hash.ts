/**
 * Under which names the records of users lie: keyed hashes of who they are. Knows no Redis.
 */
import { createHmac } from 'node:crypto';
import type { Instance } from '../../operations/context.ts';
import type { Address } from '../../worker/user-ledger.ts';

/** The names that an address leads to; empty where it has none of the kind. */
export function hashesOf(
  instance: Instance,
  { clientId, userId }: Address,
  job: { id: string; timestamp: number },
): { client: string; user: string } {
  const user = userId === undefined ? '' : hashOf(instance, 'user', userId);
  if (clientId !== undefined) return { client: hashOf(instance, 'client', clientId), user };
  // Nobody else can mean a user that has neither id yet.
  return { client: user === '' ? hashOf(instance, 'job', job.id, job.timestamp) : '', user };
}

/** Keyed, so that nobody who reads Redis can try out whether an email is a clientId here. */
export function hashOf(
  instance: Instance,
  kind: 'client' | 'user' | 'job',
  ...id: (string | number)[]
): string {
  return createHmac('sha256', instance.secret)
    .update(JSON.stringify(['ledger', instance.id.toLowerCase(), kind, ...id]))
    .digest('base64url');
}
