/**
 * Suspends a user until its deferred deletion, and resumes the user if the deletion is void. Resumes no user that it has not suspended.
 * Decides the next step; sends nothing itself.
 */
import type { Wait } from '../contract/outcome.ts';
import { isOlder, msOf } from '../contract/version.ts';
import type { DamoovUser } from '../damoov/wire.ts';
import type { Suspension, UserRecord } from './context.ts';
import { CHANGED, newerThanDeletion, nextDeleteStep } from './delete-user.ts';
import { isNotFound } from './find-user.ts';
import { type Address, identify, seenAnywhere } from './identify-user.ts';
import { superseded, withWritten } from './newer-knowledge.ts';
import { type Ids, type Knowledge, type Step, end, factsOf } from './step.ts';

type Does<What extends Suspension['does']> = Extract<Suspension, { does: What }>;

export function nextSuspensionStep(named: Address, suspension: Suspension, known: Knowledge): Step {
  // Once a user is suspended, the deletion means this user, even if another one has its clientId now.
  const { userId: suspended } = suspension;
  const address = suspended === undefined ? named : { instance: named.instance, userId: suspended };
  switch (suspension.does) {
    case 'suspend':
      return suspend(address, suspension, known);
    case 'resume':
      return resume(suspension, known);
    case 'delete': {
      const step = nextDeleteStep(address, known);
      const outcome = step.do === 'end' ? step.effect.outcome : undefined;
      if (outcome?.status !== 'superseded') return step;
      return resume({ ...suspension, does: 'resume', by: outcome.by }, known);
    }
  }
}

function suspend(address: Address, suspension: Does<'suspend'>, known: Knowledge): Step {
  const { name, dueAt } = suspension;
  const newer = newerThanDeletion(address, known);
  if (newer?.status === 'superseded') return resume({ does: 'resume', name, by: newer.by }, known);
  if (newer !== undefined) return end({ outcome: newer });
  const unchanged = end({ outcome: until(dueAt, 'unchanged', known) });
  const target = identify(address, known);
  if (target === undefined) return unchanged;
  if ('do' in target) return target;
  const { userId, clientId } = target;
  // The UserId may have a record of its own: this lock joins it with the record of the clientId.
  const hasLocked = factsOf(known, 'lock').some((lock) => lock.userId === userId);
  if (address.clientId !== undefined && !hasLocked) return { do: 'lock', userId };
  const { record, job } = known;
  const seen = seenAnywhere(userId, known);
  const isAnothers = isSuspended(seen, known) || isOlder(job.version, record.fields.status);
  if (record.suspendedBy !== name && isAnothers) return unchanged;
  const permission = permissionTo('suspend', { userId, clientId }, known);
  if (permission !== undefined) return permission;
  const [sent] = factsOf(known, 'update');
  if (sent === undefined) return { do: 'update', userId, changes: { status: 'deactivated' } };
  if (sent.error !== undefined) return isNotFound(sent.error) ? unchanged : { do: 'fail', error: sent.error };
  const outcome = until(dueAt, 'suspended', known);
  return end({ outcome, recordUpdate: { record: written(userId, name, known), clientId } });
}

/** A look-up counts, unless it may lag behind our last write. */
function isSuspended(seen: DamoovUser | undefined, { record, now, lagMs }: Knowledge): boolean {
  const mayLag = record.statusAt !== undefined && now - record.statusAt < lagMs;
  return mayLag || seen?.status === undefined
    ? record.suspendedBy !== undefined
    : seen.status === 'deactivated';
}

/** The step that asks for permission, or ends the run; undefined once it is given. */
function permissionTo(does: 'suspend' | 'resume', ids: Ids, known: Knowledge): Step | undefined {
  const permission = factsOf(known, 'authorize-suspension').at(-1);
  const seen = ids.userId === undefined ? undefined : seenAnywhere(ids.userId, known);
  const instance = known.instanceNames.get(seen?.instanceId ?? '');
  const { created } = known.record;
  const signedUpAt = created && msOf(created);
  if (permission === undefined)
    return { do: 'authorize-suspension', ids: { ...ids, instance }, does, signedUpAt };
  return permission.answer === 'go' ? undefined : end({ outcome: CHANGED });
}

function until(dueAt: number, user: 'suspended' | 'unchanged', { now }: Knowledge): Wait {
  const reason = user === 'suspended' ? 'it is not due yet, and has suspended its user' : 'it is not due yet';
  return { status: 'wait', reason, delayMs: Math.max(1, dueAt - now), until: { dueAt, user } };
}

function written(
  userId: string,
  suspendedBy: string | undefined,
  { record, job, now }: Knowledge,
): UserRecord {
  return { ...withWritten(record, ['status'], job.version), userId, suspendedBy, statusAt: now };
}

function resume({ name, by }: Does<'resume'>, known: Knowledge): Step {
  const { userId, suspendedBy } = known.record;
  const permission = permissionTo('resume', { userId }, known);
  if (permission !== undefined) return permission;
  if (suspendedBy !== name || userId === undefined) return end({ outcome: superseded(by, userId) });
  const [sent] = factsOf(known, 'update');
  if (sent === undefined) return { do: 'update', userId, changes: { status: 'active' } };
  if (sent.error !== undefined && !isNotFound(sent.error)) return { do: 'fail', error: sent.error };
  return end({
    outcome: superseded(by, userId),
    recordUpdate: { record: written(userId, undefined, known) },
  });
}
