/**
 * The arguments of the scripts on user records: the run and its user.
 */
import type { JobName } from '../../contract/job.ts';
import { msOf } from '../../contract/version.ts';
import type { Address, Run, UserState, Whose } from '../../lifecycle/ports/user-state.ts';
import { type HashId, hashesOf, hashIdFor } from './user-hash.ts';

/** Unique for each run. */
export function runNameOf({ jobId, nonce }: Run): string {
  return `${jobId} ${nonce}`;
}

/** The run of a step. */
export function runArgument(run: Run): object {
  return { jobId: run.jobId, run: runNameOf(run), stalls: run.stalls };
}

/** The user of the run. */
export function userArgument({ jobId: id, timestamp }: Run, hashId: HashId, address: Address): object {
  const { client, user } = hashesOf(hashId, address, { id, timestamp });
  const { userId = '', userIdIs = 'named' } = address;
  return { clientHash: client, userHash: user, userId, knownAs: userIdIs };
}

/** The name that leads to the user of an unread job. */
export function idOfUser({ jobId: id, timestamp }: Run, { instance, address }: Whose): string {
  const { client, user } = hashesOf(hashIdFor(instance), address, { id, timestamp });
  return client === '' ? user : client;
}

/** A run's request for the lock of its user. */
export interface LockRequest {
  run: Run;
  job: Parameters<UserState['begin']>[1];
  hashId: HashId;
  address: Address;
  circuits: Parameters<UserState['begin']>[4];
}

/** The argument of begin.lua. */
export function lockArgument({ run, job, hashId, address }: LockRequest) {
  return {
    ...runArgument(run),
    ...userArgument(run, hashId, address),
    timestamp: String(run.timestamp),
    hasRunBefore: run.hasRunBefore,
    name: job.name,
    version: job.version,
    score: String(msOf(job.version)),
    asksFor: job.asksFor,
  };
}

/** The authorization of a deletion writes `deletingSince` while the run has the user: at its end it must be written or removed. */
export function knownFields(fields: Record<string, string>, name: JobName): Record<string, string> {
  return name === 'delete-user' ? { deletingSince: '', ...fields } : fields;
}
