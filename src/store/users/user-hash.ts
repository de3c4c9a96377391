/**
 * Computes the ids of user records: keyed hashes of clientIds and UserIds.
 */
import { hash } from 'node:crypto';
import { keyedHash } from '../../contract/keyed-hash.ts';
import type { Instance } from '../../operations/context.ts';
import type { Address } from '../../lifecycle/ports/user-state.ts';

/** The hash of an id; each is computed once, since a run needs it at its begin and at its end. */
export type HashId = (kind: 'client' | 'user' | 'job', ...id: (string | number)[]) => string;

/**
 * Keyed, so that a reader of Redis cannot test whether an email is a clientId here. The hash of a UserId is not keyed: a UserId is the
 * same in every instance, reveals nothing, and is stored in the record anyway.
 */
export function hashIdFor({ id: instanceId, secret }: Instance): HashId {
  const known = new Map<string, string>();
  return (kind, ...id) => {
    const subject = JSON.stringify([
      'userState',
      kind === 'user' ? '' : instanceId.toLowerCase(),
      kind,
      ...id,
    ]);
    const compute = () =>
      kind === 'user' ? hash('sha256', subject, 'base64url') : keyedHash(secret, subject, 'base64url');
    const hashed = known.get(subject) ?? compute();
    known.set(subject, hashed);
    return hashed;
  };
}

/** The hashes of an address; empty for an id it does not have. */
export function hashesOf(
  hashId: HashId,
  { clientId, userId }: Address,
  job: { id: string; timestamp: number },
): { client: string; user: string } {
  const user = userId === undefined ? '' : hashId('user', userId);
  if (clientId !== undefined) return { client: hashId('client', clientId), user };
  // No other job can mean a user without ids.
  return { client: user === '' ? hashId('job', job.id, job.timestamp) : '', user };
}
