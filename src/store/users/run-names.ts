/**
 * What the scripts on users' records are told of a run: which one it is, and which user it is about.
 */
import { msOf } from '../../contract/version.ts';
import type { Address, Run, UserState, Whose } from '../../lifecycle/ports/user-state.ts';
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

/** A run that asks for its user. */
export interface LockRequest {
  run: Run;
  job: Parameters<UserState['begin']>[1];
  naming: Naming;
  address: Address;
  circuits: Parameters<UserState['begin']>[4];
}

/** What begin.lua is told of a run and its user. */
export function lockArgument({ run, job, naming, address, circuits }: LockRequest) {
  return {
    ...runOf(run),
    ...whom(run, naming, address),
    timestamp: String(run.timestamp),
    hasRunBefore: run.hasRunBefore,
    name: job.name,
    version: job.version,
    score: String(msOf(job.version)),
    asksFor: job.asksFor,
    mustPass: circuits.must.length,
  };
}
