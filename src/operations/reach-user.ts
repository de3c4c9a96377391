/**
 * Finds the user that an update or a move means. Either may arrive before its user exists.
 */
import { type Outcome, type Superseded, type Wait, failed } from '../contract/outcome.ts';
import { isOlder } from '../contract/version.ts';
import { type DamoovUser, sameUserId } from '../damoov/wire.ts';
import { ambiguous, isInReach, isOfInstance, isOfJob, isRecorded, otherInstance } from './find-user.ts';
import {
  AWAIT_DELETION,
  AWAIT_MOVE,
  AWAIT_RENAME,
  delayWithin,
  isAbout,
  isBeingDeleted,
  isBeingGiven,
  isBeingMoved,
  mayHaveLeft,
  supersededByEnd,
} from './newer-knowledge.ts';
import { awaitBearer } from './new-name.ts';
import { type Ids, type Knowledge, type Step, bearersOf, end, look, seenUnder } from './step.ts';

/** How long a new job waits for the create of its user, which may still arrive, in milliseconds. */
export const PATIENCE_MS = 5 * 60_000;

/** Delay of a job while the create of its user is not settled, in milliseconds. */
const PENDING_MS = 15_000;

/** The user that the job means; null: it is recorded, and the look-up does not show it. */
export interface Reached {
  userId: string;
  user: DamoovUser | null;
}

/**
 * The user, or the step that finds it. If both ids are given, the userId identifies the user.
 * @param newer why the record leaves nothing to do.
 * @param isMeant whether the job may change this user. Damoov would change it in any instance.
 */
export function reachUser(
  { clientId, userId }: Ids,
  known: Knowledge,
  newer: Superseded | Wait | undefined,
  isMeant: (user: DamoovUser) => boolean,
): Reached | Step {
  const { record, job, now } = known;
  if (userId !== undefined && !isAbout(record, userId)) return reachUnknown(userId, known, isMeant);
  if (isOlder(job.version, record.deleted)) return end({ outcome: supersededByEnd(record) });
  if (newer !== undefined) return end({ outcome: newer });
  if (isBeingDeleted(record, now)) return end({ outcome: AWAIT_DELETION });
  if (record.state === 'deleted') return end({ outcome: awaitUser(userId, known) });
  if (record.userId !== undefined) return reachRecorded(record.userId, clientId, known, isMeant);
  // Its create is older and not settled: until then, no user can be found.
  if (isOlder(record.pending, job.version) && record.pending !== undefined) {
    return end({ outcome: awaitUser(userId, known) });
  }
  if (userId !== undefined) return reachUnknown(userId, known, isMeant);
  if (isBeingGiven(record, now)) return end({ outcome: AWAIT_RENAME });
  return clientId === undefined ? end({ outcome: awaitUser(userId, known) }) : findBearer(clientId, known);
}

/** Whether an update may change this user: a clientId alone means a user of this instance, a userId one of any configured instance. */
export function isMeantBy({ userId }: Ids, user: DamoovUser, known: Knowledge): boolean {
  return userId === undefined ? isOfJob(user, known) : isInReach(user, known);
}

function reachRecorded(
  userId: string,
  clientId: string | undefined,
  known: Knowledge,
  isMeant: (user: DamoovUser) => boolean,
): Reached | Step {
  const bearers = clientId === undefined ? undefined : bearersOf(clientId, known);
  const user = bearers?.find((bearer) => sameUserId(bearer.userId, userId)) ?? seenUnder(userId, known);
  if (user === undefined) return look('userId', userId);
  if (user === null || isMeant(user)) return { userId, user };
  return end({ outcome: isBeingMoved(known.record, known.now) ? AWAIT_MOVE : shownElsewhere(user, known) });
}

/** The user is in another instance than the job's, unless the look-up lags behind its move. */
export function shownElsewhere(user: DamoovUser, known: Knowledge): Outcome {
  return (isRecorded(user, known.record) ? awaitLaggingMove(known) : undefined) ?? otherInstance(user, known);
}

export function awaitLaggingMove({ record, now, lagMs }: Knowledge): Wait | undefined {
  if (!mayHaveLeft(record, now, lagMs)) return undefined;
  const reason = 'look-ups may not show yet to which instance the user was moved';
  return { status: 'wait', reason, delayMs: delayWithin(lagMs, now - (record.movedAt ?? now)) };
}

/** The record does not know this id. */
function reachUnknown(
  userId: string,
  known: Knowledge,
  isMeant: (user: DamoovUser) => boolean,
): Reached | Step {
  const user = seenUnder(userId, known);
  if (user === undefined) return look('userId', userId);
  if (user === null) return end({ outcome: awaitUser(userId, known) });
  return isMeant(user) ? { userId, user } : end({ outcome: otherInstance(user, known) });
}

/** No job has named the user; it may have existed before. */
export function findBearer(clientId: string, known: Knowledge): Step {
  const bearers = bearersOf(clientId, known)?.filter((user) => user.clientId === clientId);
  if (bearers === undefined) return look('clientId', clientId);
  const here = bearers.filter((user) => isOfInstance(user, known.instance));
  const [user] = here;
  const { isInDoubt, doubtSince = 0 } = known.record;
  // An unanswered create may have made another user, which look-ups do not show yet.
  if (isInDoubt && known.now - doubtSince < known.lagMs) return awaitBearer(doubtSince, known);
  if (here.length > 1) return end({ outcome: ambiguous(here) });
  if (user !== undefined) return { do: 'lock', userId: user.userId };
  const [elsewhere] = bearers;
  return end({
    outcome: elsewhere === undefined ? awaitUser(undefined, known) : awaitMove(elsewhere, known),
  });
}

/** The user is in another instance; a move to the job's may still arrive. */
export function awaitMove(user: DamoovUser, known: Knowledge): Outcome {
  // An unsettled move to the job's instance may have been carried out.
  if (isBeingGiven(known.record, known.now)) return AWAIT_RENAME;
  const reason = 'the user is in another instance: its move may still come';
  const isInOurs = known.instanceNames.has(user.instanceId ?? '');
  return (isInOurs ? patiently(reason, known) : undefined) ?? otherInstance(user, known);
}

export function awaitUser(userId: string | undefined, known: Knowledge): Outcome {
  if (known.record.pending !== undefined) {
    return { status: 'wait', reason: 'the user is still being created', delayMs: PENDING_MS };
  }
  return (
    patiently('no such user yet', known) ??
    failed('user-not-found', 'no such user, and none was created in time', userId)
  );
}

/** A wait that doubles with the job's age; undefined once its patience is over. */
function patiently(reason: string, { job, now }: Knowledge): Wait | undefined {
  const ageMs = Math.max(0, now - job.timestamp);
  if (ageMs >= PATIENCE_MS) return undefined;
  return { status: 'wait', reason, delayMs: Math.min(Math.max(1000, ageMs), PATIENCE_MS - ageMs) };
}
