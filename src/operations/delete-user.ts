/**
 * Deletes exactly the intended user and confirms it by a look-up. A deletion cannot be undone, so the user is looked up before anything
 * is sent. Decides the next step; sends nothing itself.
 */
import { type Deleted, type Outcome, type Wait, failed } from '../contract/outcome.ts';
import { isOlder, newest } from '../contract/version.ts';
import type { DamoovError } from '../damoov/errors.ts';
import type { UserRecord } from './context.ts';
import { deriveUserId, generationsOf } from './derive-user-id.ts';
import { LOOK_AGAIN_AFTER_MS } from './find-user.ts';
import {
  AWAIT_MOVE,
  AWAIT_SIGN_UP,
  NOTHING_WRITTEN,
  NOT_SEEN_YET,
  isAbout,
  isBeingDeleted,
  isBeingMoved,
  nextGeneration,
  superseded,
} from './newer-knowledge.ts';
import { type Fact, type Knowledge, type Step, after, end, factsOf, look, looksUnder } from './step.ts';
import { PATIENCE_MS } from './reach-user.ts';
import { type Address, type Target, identify, isLocked, seenAnywhere, unconfirmed } from './identify-user.ts';

/** If both ids are given they must belong together, or nothing is deleted. */
export function nextDeleteStep(address: Address, known: Knowledge): Step {
  const newer = newerThanDeletion(address, known);
  if (newer !== undefined) return end({ outcome: newer });
  const target = identify(address, known);
  if (target === undefined) return noUserFound(address, known);
  if ('do' in target) return target;
  const { userId } = target;
  if (address.clientId !== undefined && !isLocked(userId, known)) return { do: 'lock', userId };
  return deleteAndConfirm(target, known);
}

/** Whether the record is, or may be, newer than the deletion. */
export function newerThanDeletion({ userId }: Address, known: Knowledge): Outcome | undefined {
  const { record, job, now } = known;
  const [lock] = factsOf(known, 'lock');
  if (lock !== undefined) {
    return isOlder(job.version, record.created) ? superseded('create', lock.userId) : undefined;
  }
  const isAboutUser = isAbout(record, userId);
  if (isAboutUser && isOlder(job.version, record.created)) return superseded('create', record.userId);
  // If this deletion may have been sent already, that sign-up waits for this job.
  const isUnsent = record.deletingSince === undefined && record.pending !== undefined;
  if (isAboutUser && isUnsent && isOlder(job.version, record.pending)) {
    return AWAIT_SIGN_UP;
  }
  // A move waits for a deletion that may have been sent.
  const isSent = record.deletingSince !== undefined;
  if (userId === undefined && !isSent && isBeingMoved(record, now)) return AWAIT_MOVE;
  const isOfMoved = isOlder(job.version, record.moved);
  if (userId === undefined && !isOfMoved && isOlder(job.version, record.fields.clientId)) {
    const message = 'the clientId has belonged to another user since the deletion was requested';
    return failed('user-mismatch', message, record.userId);
  }
  // A value newer than the deletion may mean a newer create that has not arrived yet. Wait for it as an update waits for its user; after
  // that, the deletion deletes the user with the newer values. One that may have been sent goes on: the create waits for it.
  const isNewer = Object.values(record.fields).some((version) => isOlder(job.version, version));
  if (isAboutUser && isNewer && !isBeingDeleted(record, now) && now - job.timestamp < PATIENCE_MS) {
    return { status: 'wait', reason: 'newer values: the user may have come back', delayMs: 2000 };
  }
  return undefined;
}

/** No user was found under the ids of the job. */
function noUserFound(address: Address, known: Knowledge): Step {
  const { record, userIdMode } = known;
  const isAboutUser = isAbout(record, address.userId);
  if (isAboutUser && record.isInDoubt && userIdMode === 'assigned') {
    const requested = address.clientId ?? address.userId ?? '';
    if (unconfirmed(requested, known) !== undefined) return end({ outcome: NOT_SEEN_YET });
  }
  const permission = permissionFor(address, 'sends nothing', known);
  if (permission !== undefined) return permission;
  const outcome = noUserLeft(address, known);
  return end(isAboutUser ? { outcome, recordUpdate: { record: tombstone(known) } } : { outcome });
}

/** The step that asks for permission, or ends the run; undefined once the deletion may be sent. */
function permissionFor(
  { clientId, userId }: Pick<Address, 'clientId' | 'userId'>,
  kind: 'sends' | 'sends nothing',
  known: Knowledge,
): Step | undefined {
  const answer = factsOf(known, 'authorize').at(-1)?.answer;
  if (answer === undefined) {
    const seen = userId === undefined ? undefined : seenAnywhere(userId, known);
    const instance = known.instanceNames.get(seen?.instanceId ?? '');
    return { do: 'authorize', ids: { clientId, userId, instance }, kind };
  }
  return answer === 'go' ? undefined : end({ outcome: stopped(answer, userId) });
}

/** Deletes this very user and confirms it. */
function deleteAndConfirm(target: Target, known: Knowledge): Step {
  const { userId } = target;
  const permission = permissionFor(target, 'sends', known);
  if (permission !== undefined) return permission;
  const deletion = factsOf(known, 'delete').at(-1);
  if (deletion === undefined) return { do: 'delete', userId };
  const { error } = deletion;
  // 403 and 404 may both mean that the user is already gone; only a look-up shows it.
  if (error !== undefined && !REFUSALS.has(error.kind)) return { do: 'fail', error };
  const looks = looksUnder(userId, after(known, deletion));
  if (looks.at(-1) === null) return gone(target, deletion, known);
  const afterMs = LOOK_AGAIN_AFTER_MS[looks.length];
  if (afterMs !== undefined) return look('userId', userId, afterMs);
  const pending = unconfirmed(userId, known);
  if (pending !== undefined) return end({ outcome: pending });
  if (error?.kind === 'forbidden') return end({ outcome: failed('forbidden', error.message, userId) });
  return end({ outcome: { status: 'retry', reason: 'a look-up still finds the user' } });
}
const REFUSALS: ReadonlySet<DamoovError['kind']> = new Set(['forbidden', 'not-found']);

type Deletion = Extract<Fact, { of: 'delete' }>;

/** No look-up shows the user any more. */
function gone(target: Target, deletion: Deletion, known: Knowledge): Step {
  const { userId, clientId } = target;
  const { record } = known;
  const { error: refusal, wasAcknowledged, at: executedAt } = deletion;
  const pending = wasAcknowledged ? undefined : unconfirmed(userId, known);
  if (pending !== undefined) return end({ outcome: pending });
  const wasSent = record.deletingSince !== undefined && record.deletingSince > 0;
  const unverified = refusal?.kind === 'forbidden' && !wasSent ? OUT_OF_SIGHT : undefined;
  const outcome = deleted(userId, { existed: true, executedAt, confirmedAt: known.now, unverified });
  if (!isAbout(record, userId)) return end({ outcome });
  const generation = generationOf(userId, clientId, known);
  // The deletion also counts for jobs that name the user by its clientId.
  const recordUpdate = {
    record: { ...tombstone(known), userId, generation, state: 'deleted' as const },
    clientId,
  };
  return end({ outcome, recordUpdate });
}

const OUT_OF_SIGHT =
  'Damoov refused the deletion (403) and no look-up shows the user any more: it may have moved to where the admin cannot see it';

/** There is no user: an earlier run may have deleted it and lost the answer. */
function noUserLeft({ userId }: Address, { record, now }: Knowledge): Outcome {
  const confirmedAt = now;
  const { deletingSince = 0 } = record;
  if (deletingSince === 0 || !isAbout(record, userId))
    return deleted(userId, { existed: false, confirmedAt });
  return deleted(userId ?? record.userId, { existed: true, executedAt: deletingSince, confirmedAt });
}

/** It was moved or cancelled in between: the next run learns what it has to do. */
export const CHANGED: Wait = { status: 'wait', reason: 'the deletion was changed meanwhile', delayMs: 500 };

/** The outcome of a deletion that must not be sent. */
function stopped(by: 'cancelled' | 'returned' | 'held' | 'early', userId: string | undefined): Outcome {
  if (by === 'cancelled') return superseded('cancellation', userId);
  if (by === 'returned') return superseded('create', userId);
  if (by === 'early') return CHANGED;
  return {
    status: 'held',
    circuit: 'deletion-limit',
    reason: 'more deletions are due than are allowed in an hour',
  };
}

/** The user's generation within its sign-up. */
function generationOf(userId: string, clientId: string | undefined, known: Knowledge): number {
  const derived =
    clientId === undefined
      ? undefined
      : generationsOf(known.record).find((one) => deriveUserId(known.instance, { clientId }, one) === userId);
  return derived ?? nextGeneration(known.record);
}

/** The record update of a deletion, even if there was no user: an older create must not create the user again. */
function tombstone({ record, job, userIdMode }: Knowledge): UserRecord {
  const isUnknown = record.state === 'unknown';
  // An unanswered create, or a deletion that may have been sent, may have spent the id: the next user gets another one.
  const maySpend = isUnknown && (record.isInDoubt || (record.deletingSince ?? 0) > 0);
  return {
    ...record,
    state: isUnknown && !maySpend ? 'unknown' : 'deleted',
    // If Damoov chose the id, the user of an unanswered create has an unknown one.
    isInDoubt: record.isInDoubt && userIdMode === 'assigned',
    lastSeenAt: undefined,
    deleted: newest(record.deleted, job.version),
    ...NOTHING_WRITTEN,
  };
}

function deleted(
  userId: string | undefined,
  { unverified, ...facts }: Pick<Deleted, 'existed' | 'executedAt' | 'confirmedAt' | 'unverified'>,
): Outcome {
  return {
    status: 'done',
    type: 'user.deleted',
    ...facts,
    verified: unverified === undefined,
    ...(unverified !== undefined && { unverified }),
    ...(userId !== undefined && { userId }),
  };
}
