/**
 * Computes the names of user records: keyed hashes of their ids.
 */
import { hash } from 'node:crypto';
import { keyedHash } from '../../contract/keyed-hash.ts';
import type { Instance } from '../../operations/context.ts';
import type { Address } from '../../lifecycle/ports/user-state.ts';

/** The name for an id; each is computed once, since a run needs it at its begin and at its end. */
export type Naming = (kind: 'client' | 'user' | 'job', ...id: (string | number)[]) => string;

/**
 * Keyed, so that a reader of Redis cannot test whether an email is a clientId here. The name of a UserId is not keyed: a UserId is the
 * same in every instance, reveals nothing, and is stored in the record anyway.
 */
export function namingOf({ id: instanceId, secret }: Instance): Naming {
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
    const name = known.get(subject) ?? compute();
    known.set(subject, name);
    return name;
  };
}

/** The names of an address; empty for an id it does not have. */
export function hashesOf(
  nameOf: Naming,
  { clientId, userId }: Address,
  job: { id: string; timestamp: number },
): { client: string; user: string } {
  const user = userId === undefined ? '' : nameOf('user', userId);
  if (clientId !== undefined) return { client: nameOf('client', clientId), user };
  // No other job can mean a user without ids.
  return { client: user === '' ? nameOf('job', job.id, job.timestamp) : '', user };
}
