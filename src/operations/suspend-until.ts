/**
 * Suspends a user until its deferred deletion, and resumes it if that is void: never a user whom somebody else has suspended. Decides the
 * next step; sends nothing itself.
 */
import type { Wait } from '../contract/outcome.ts';
import { isOlder } from '../contract/version.ts';
import type { Suspension, UserRecord } from './context.ts';
import { newerThanDeletion, nextDeleteStep } from './delete-user.ts';
import { isNotFound } from './find-user.ts';
import { type Address, identify, isLocked, seenAnywhere } from './identify-user.ts';
import { superseded, withWritten } from './newer-knowledge.ts';
import { type Knowledge, type Step, end, factsOf } from './step.ts';

type Does<What extends Suspension['does']> = Extract<Suspension, { does: What }>;

export function nextSuspensionStep(address: Address, suspension: Suspension, known: Knowledge): Step {
  switch (suspension.does) {
    case 'suspend':
      return suspend(address, suspension, known);
    case 'resume':
      return resume(address, suspension, known);
    case 'delete': {
      const step = nextDeleteStep(address, known);
      const outcome = step.do === 'end' ? step.effect.outcome : undefined;
      if (outcome?.status !== 'superseded') return step;
      return resume(address, { ...suspension, does: 'resume', by: outcome.by }, known);
    }
  }
}

function suspend(address: Address, { name, dueAt }: Does<'suspend'>, known: Knowledge): Step {
  const newer = newerThanDeletion(address, known);
  if (newer?.status === 'superseded')
    return resume(address, { does: 'resume', name, by: 'create', isRemembered: false }, known);
  if (newer !== undefined) return end({ outcome: newer });
  const unchanged = end({ outcome: until(dueAt, 'unchanged', known) });
  const target = identify(address, known);
  if (target === undefined) return unchanged;
  if ('do' in target) return target;
  const { userId, clientId } = target;
  if (address.clientId !== undefined && !isLocked(userId, known)) return { do: 'lock', userId };
  const { record, job } = known;
  const seen = seenAnywhere(userId, known);
  const isByOthers = record.suspendedBy !== undefined || seen?.status === 'deactivated';
  if (record.suspendedBy !== name && (isByOthers || isOlder(job.version, record.fields.status)))
    return unchanged;
  const [permission] = factsOf(known, 'authorize-suspension');
  if (permission === undefined) {
    const instance = known.instanceNames.get(seen?.instanceId ?? '');
    return { do: 'authorize-suspension', ids: { clientId, userId, instance } };
  }
  if (permission.answer === 'void') return end({ outcome: VOID });
  const [sent] = factsOf(known, 'update');
  if (sent === undefined) return { do: 'update', userId, changes: { status: 'deactivated' } };
  if (sent.error !== undefined) return isNotFound(sent.error) ? unchanged : { do: 'fail', error: sent.error };
  const outcome = until(dueAt, 'suspended', known);
  return end({ outcome, recordUpdate: { record: written(userId, name, known) } });
}

/** The next run learns why. */
const VOID: Wait = { status: 'wait', reason: 'the deletion is not wanted any more', delayMs: 1 };

function until(dueAt: number, user: 'suspended' | 'unchanged', { now }: Knowledge): Wait {
  const reason = user === 'suspended' ? 'its user is suspended until it is due' : 'it is not due yet';
  return { status: 'wait', reason, delayMs: Math.max(1, dueAt - now), until: { dueAt, user } };
}

function written(userId: string, suspendedBy: string | undefined, { record, job }: Knowledge): UserRecord {
  return { ...withWritten(record, ['status'], job.version), userId, suspendedBy };
}

function resume(address: Address, { name, by, isRemembered }: Does<'resume'>, known: Knowledge): Step {
  const { record } = known;
  const isOurs = record.suspendedBy === name;
  const { formerUserId } = record;
  // The user has another clientId since.
  if (!isOurs && formerUserId !== undefined && !isLocked(formerUserId, known))
    return { do: 'lock', userId: formerUserId };
  const isForgotten = isRemembered && record.suspendedBy === undefined && record.fields.status === undefined;
  if (!isOurs && !isForgotten) return end({ outcome: superseded(by, record.userId) });
  const target = isOurs && record.userId !== undefined ? { userId: record.userId } : identify(address, known);
  if (target === undefined) return end({ outcome: superseded(by, record.userId) });
  if ('do' in target) return target;
  const { userId } = target;
  if (address.clientId !== undefined && !isLocked(userId, known)) return { do: 'lock', userId };
  const [sent] = factsOf(known, 'update');
  if (sent === undefined) return { do: 'update', userId, changes: { status: 'active' } };
  if (sent.error !== undefined && !isNotFound(sent.error)) return { do: 'fail', error: sent.error };
  return end({
    outcome: superseded(by, userId),
    recordUpdate: { record: written(userId, undefined, known) },
  });
}
