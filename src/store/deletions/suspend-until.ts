/**
 * Suspends a user until its pending deletion, and resumes it if that is cancelled, by jobs of the queue. The older of two changes of a
 * status never wins, so a status that somebody else sets meanwhile stays.
 */
import type { Queue } from 'bullmq';
import { type Suspension, resumingJobId, suspendingJobId } from '../../contract/job-options.ts';
import type { Decision, Seen } from '../../redis/change.ts';
import type { DeletionAddress } from './deletion-names.ts';
import { keep, ownNameOf, readName } from './name-state.ts';
import type { Scheduled } from './put-deletion.ts';

/** Notes that the user is suspended until this deletion, since it was first requested so. */
export function noteSuspension(
  seen: Seen,
  prefix: string,
  { jobId, requestedAt, dueAt }: Scheduled,
): Decision<Suspension | undefined> {
  const hash = ownNameOf(jobId)?.hash;
  if (hash === undefined) return { answer: undefined };
  const name = readName(seen, prefix, hash);
  // It has ended meanwhile.
  if (name.jobId !== jobId || name.isOver !== undefined) return { answer: undefined };
  const at = name.suspendedAt ?? requestedAt;
  return { answer: { hash, at }, writes: [['HSET', name.key, 'suspendedAt', at], keep(seen, name, dueAt)] };
}

/** Forgets that a user is suspended for its deletion: it was before. */
export function forgetSuspension(seen: Seen, prefix: string, { hash, at }: Suspension): Decision<void> {
  const name = readName(seen, prefix, hash);
  return name.suspendedAt === at
    ? { answer: undefined, writes: [['HDEL', name.key, 'suspendedAt']] }
    : { answer: undefined };
}

export async function suspend(jobs: Queue, user: DeletionAddress, suspension: Suspension): Promise<void> {
  await addStatus(jobs, user, 'deactivated', suspendingJobId(suspension), suspension.at);
}

export async function resume(jobs: Queue, user: DeletionAddress, suspension: Suspension): Promise<void> {
  await addStatus(jobs, user, 'active', resumingJobId(suspension), suspension.at + 1);
}

async function addStatus(
  jobs: Queue,
  { clientId, userId, instance }: DeletionAddress,
  status: 'active' | 'deactivated',
  jobId: string,
  at: number,
): Promise<void> {
  const ids = { ...(clientId !== undefined && { clientId }), ...(userId !== undefined && { userId }) };
  const data = { ...ids, instance, changes: { status }, occurredAt: new Date(at).toISOString() };
  await jobs.add('update-user', data, { jobId });
}
