/**
 * What the scripts on users' records are told of a run: which one it is, and which user it is about.
 */
import type { Address, Run, Whose } from '../../lifecycle/ports/user-state.ts';
import { type Naming, hashesOf, namingOf } from './user-hash.ts';

/** Tells this run from every other. */
export function nameOf({ jobId, nonce }: Run): string {
  return `${jobId} ${nonce}`;
}

/** Which run a step belongs to. */
export function runOf(run: Run): object {
  return { jobId: run.jobId, run: nameOf(run), stalls: run.stalls };
}

/** Which user the run is about. */
export function whom({ jobId: id, timestamp }: Run, naming: Naming, address: Address): object {
  const { client, user } = hashesOf(naming, address, { id, timestamp });
  const { userId = '', userIdIs = 'named' } = address;
  return { clientHash: client, userHash: user, userId, knownAs: userIdIs };
}

/** The name that leads to the user whom an unread job concerns. */
export function nameOfUser({ jobId: id, timestamp }: Run, { instance, address }: Whose): string {
  const { client, user } = hashesOf(namingOf(instance), address, { id, timestamp });
  return client === '' ? user : client;
}
