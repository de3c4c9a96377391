/**
 * Under which names the records of users lie: keyed hashes of who they are. Knows no Redis.
 */
import { createHmac, hash } from 'node:crypto';
import type { Instance } from '../../operations/context.ts';
import type { Address } from '../../lifecycle/ports/user-state.ts';

/** The name of whoever bears an id; each is computed once, as a run asks for the same ones at its begin and at its end. */
export type Naming = (kind: 'client' | 'user' | 'job', ...id: (string | number)[]) => string;

/**
 * Keyed, so that nobody who reads Redis can try out whether an email is a clientId here. A UserId is the same user in whatever
 * instance it is, has nothing to be guessed from, and lies in the record itself: its name is not keyed.
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
      kind === 'user'
        ? hash('sha256', subject, 'base64url')
        : createHmac('sha256', secret).update(subject).digest('base64url');
    const name = known.get(subject) ?? compute();
    known.set(subject, name);
    return name;
  };
}

/** The names that an address leads to; empty if it has none of the kind. */
export function hashesOf(
  nameOf: Naming,
  { clientId, userId }: Address,
  job: { id: string; timestamp: number },
): { client: string; user: string } {
  const user = userId === undefined ? '' : nameOf('user', userId);
  if (clientId !== undefined) return { client: nameOf('client', clientId), user };
  // Nobody else can mean a user that has neither id yet.
  return { client: user === '' ? nameOf('job', job.id, job.timestamp) : '', user };
}
