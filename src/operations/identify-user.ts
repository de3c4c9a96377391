/**
 * Finds the user that a deletion means: the one with the given ids at Damoov. Recorded ids count only if Damoov shows no user, and are
 * looked up before reporting that there is none.
 */
import type { DeleteUserJob } from '../contract/job.ts';
import { type Wait, failed } from '../contract/outcome.ts';
import { isOlder, msOf } from '../contract/version.ts';
import { type DamoovUser, sameUserId } from '../damoov/wire.ts';
import { deriveUserId, idsInDoubt, isDerivedFrom } from './derive-user-id.ts';
import {
  ambiguous,
  givenUpAt,
  hasGivenUp,
  isInReach,
  isOfJob,
  isRenamedLately,
  isSameForm,
  otherInstance,
} from './find-user.ts';
import { awaitMove, shownElsewhere } from './reach-user.ts';
import { delayWithin, isAbout, mayHaveLeft, nextGeneration } from './newer-knowledge.ts';
import { type Knowledge, type Step, bearersOf, end, factsOf, look, lookedAt, seenUnder } from './step.ts';

export type Address = DeleteUserJob['data'];

/** The user that is to be deleted. */
export interface Target {
  userId: string;
  clientId: string | undefined;
}

/** The intended user; a step if it is not known yet or cannot be known; undefined if there is no user. */
export function identify(address: Address, known: Knowledge): Target | Step | undefined {
  const { clientId, userId } = address;
  const [lock] = factsOf(known, 'lock');
  // A lock proves that this user was found to be the intended one.
  if (lock !== undefined) return { userId: lock.userId, clientId: clientIdSeen(lock.userId, known) };
  if (userId === undefined) return clientId === undefined ? undefined : byClientId(clientId, known);
  return clientId === undefined ? byUserId(userId, known) : byBoth(userId, clientId, known);
}

function clientIdSeen(userId: string, known: Knowledge): string | undefined {
  return seenAnywhere(userId, beforeSent(known))?.clientId;
}

/** The user in the latest look-up by any id that shows it. */
export function seenAnywhere(userId: string, known: Pick<Knowledge, 'facts'>): DamoovUser | undefined {
  const users = factsOf(known, 'find').flatMap(({ users }) => users);
  return users.findLast((user) => sameUserId(user.userId, userId));
}

function byUserId(userId: string, known: Knowledge): Target | Step | undefined {
  const user = firstSight(userId, known);
  if (user === undefined) return look('userId', userId);
  if (user === null) return isAbout(known.record, userId) ? awaitSight(userId, undefined, known) : undefined;
  return inReach(user, known);
}

function byBoth(userId: string, clientId: string, known: Knowledge): Target | Step | undefined {
  const user = firstSight(userId, known);
  if (user === undefined) return look('userId', userId);
  if (user !== null) {
    const isOurs = isDerivedFrom(clientId, userId, known) && isSameForm(user.clientId ?? clientId, clientId);
    if (user.clientId === clientId || isOurs) return inReach(user, known);
    return end({ outcome: failed('user-mismatch', 'this user has another clientId', userId) });
  }
  const bearers = bearersOf(clientId, known);
  if (bearers === undefined) return look('clientId', clientId);
  // A lagging look-up may show the user to the second query and not to the first.
  const meant = bearers.find((one) => sameUserId(one.userId, userId));
  if (meant !== undefined) return inReach(meant, known);
  const other = bearers.find((one) => one.clientId === clientId);
  if (other === undefined) return awaitSight(userId, clientId, known);
  return end({ outcome: failed('user-mismatch', `the clientId belongs to user ${other.userId}`, userId) });
}

/** Recorded ids count only if Damoov shows no user, and are looked up before reporting that there is none. */
function byClientId(clientId: string, known: Knowledge): Target | Step | undefined {
  const { formerUserId, deleted, moved, userId: recorded } = known.record;
  if (recorded !== undefined && isOlder(known.job.version, moved)) return ofMoved(recorded, clientId, known);
  // A deletion requested before the user got another clientId means that user.
  if (formerUserId !== undefined && isOlder(known.job.version, deleted)) {
    const user = firstSight(formerUserId, known);
    if (user === undefined) return look('userId', formerUserId);
    return user === null ? undefined : inReach(user, known);
  }
  const bearers = bearersOf(clientId, known);
  if (bearers === undefined) return look('clientId', clientId);
  const exact = bearers.filter(
    (user) => user.clientId === clientId || isDerivedFrom(clientId, user.userId, known),
  );
  const here = exact.filter((user) => isOfJob(user, known));
  const [user] = here;
  if (here.some((one) => hasGivenUp(one, known.record, known)))
    return awaitRenamed(givenUpAt(known.record), known);
  if (here.length > 1) return end({ outcome: ambiguous(here) });
  if (user !== undefined) return checkHidden(clientId, user, known) ?? inReach(user, known);
  for (const userId of knownIdsOf(clientId, known)) {
    const candidate = firstSight(userId, known);
    if (candidate === undefined) return look('userId', userId);
    if (candidate === null) {
      const wait = awaitSight(userId, clientId, known);
      if (wait !== undefined) return wait;
      continue;
    }
    if (!isSameForm(candidate.clientId ?? clientId, clientId)) {
      const { clientId: given } = known.record.fields;
      if (userId === known.record.userId && isRenamedLately(known))
        return awaitRenamed(given && msOf(given), known);
      return hasAnotherName(userId);
    }
    return isOfJob(candidate, known)
      ? { userId, clientId }
      : end({ outcome: shownElsewhere(candidate, known) });
  }
  const [elsewhere] = exact;
  return elsewhere === undefined ? undefined : end({ outcome: awaitMove(elsewhere, known) });
}

/** The user of the clientId was moved since the deletion was requested. */
function ofMoved(userId: string, clientId: string, known: Knowledge): Target | Step | undefined {
  const { record, instance, lagMs } = known;
  const user = firstSight(userId, known);
  if (user === undefined) return look('userId', userId);
  if (user === null) return awaitSight(userId, clientId, known);
  // A newer rename of ours still leaves it the user that was meant; one by others does not.
  const isOurRename = isOlder(known.job.version, record.fields.clientId);
  if (!isSameForm(user.clientId ?? clientId, clientId) && !isOurRename) return hasAnotherName(userId);
  if (user.instanceId !== instance.id.toLowerCase()) return inReach(user, known);
  if (mayHaveLeft(record, lookedAt(userId, known), lagMs)) return awaitRenamed(record.movedAt, known);
  const message = `user ${userId} has come into this instance since the deletion was requested`;
  return end({ outcome: failed('user-mismatch', message, userId) });
}

function hasAnotherName(userId: string): Step {
  const message = `user ${userId} had this clientId and has another one now`;
  return end({ outcome: failed('user-mismatch', message, userId) });
}

/** A look-up may lag behind the user's rename or move. */
function awaitRenamed(renamedAt: number | undefined, { now, lagMs }: Knowledge): Step {
  const reason = 'the look-up that shows the user may lag behind its rename or its move';
  const delayMs = delayWithin(lagMs, renamedAt === undefined ? 0 : now - renamedAt);
  return end({ outcome: { status: 'wait', reason, delayMs } });
}

/** The ids that the user of this clientId may have: the recorded one and the derived one. */
function knownIdsOf(clientId: string, known: Knowledge): string[] {
  const { record, instance, userIdMode } = known;
  const remembered = record.userId !== undefined && record.state !== 'deleted' ? [record.userId] : [];
  const derived =
    userIdMode === 'derived' ? [deriveUserId(instance, { clientId }, nextGeneration(record))] : [];
  return [...new Set([...remembered, ...derived, ...idsInDoubt(clientId, known)])];
}

/** Besides the user that was found, a recent or unanswered create may have made another one. */
function checkHidden(clientId: string, user: DamoovUser, known: Knowledge): Step | undefined {
  const { record } = known;
  const isLive = record.userId !== undefined && record.state === 'live';
  if (record.isInDoubt && known.userIdMode === 'assigned') {
    const pending = unconfirmed(clientId, known);
    if (pending !== undefined) return end({ outcome: pending });
  }
  const ids = [...(isLive ? [record.userId ?? ''] : []), ...idsInDoubt(clientId, known)];
  for (const userId of ids) {
    if (sameUserId(userId, user.userId)) continue;
    const other = firstSight(userId, known);
    if (other === undefined) return look('userId', userId);
    if (other !== null && other.clientId === clientId) return end({ outcome: ambiguous([user, other]) });
    const pending = other === null ? unconfirmed(userId, known) : undefined;
    if (pending !== undefined) return end({ outcome: pending });
  }
  return undefined;
}

function inReach(user: DamoovUser, known: Knowledge): Target | Step {
  const { userId, clientId } = user;
  return isInReach(user, known) ? { userId, clientId } : end({ outcome: otherInstance(user, known) });
}

/**
 * The look-up shows no user. That proves nothing after a recent or unanswered create. Nothing is sent to an unseen user: it may have
 * another clientId by now.
 */
function awaitSight(userId: string, clientId: string | undefined, known: Knowledge): Step | undefined {
  const { record } = known;
  const isRemembered =
    record.userId === userId && record.state !== 'deleted' && record.lastSeenAt !== undefined;
  const isAsked = clientId === undefined ? record.isInDoubt : idsInDoubt(clientId, known).includes(userId);
  const pending = isRemembered || isAsked ? unconfirmed(userId, known) : undefined;
  return pending && end({ outcome: pending });
}

/** The user of the look-up before the first request; later look-ups confirm the deletion. */
function firstSight(userId: string, known: Knowledge): DamoovUser | null | undefined {
  return seenUnder(userId, beforeSent(known));
}

function beforeSent(known: Knowledge): Knowledge {
  const sent = known.facts.findIndex(({ of }) => of === 'delete');
  return sent < 0 ? known : { ...known, facts: known.facts.slice(0, sent) };
}

/** Look-ups, and the deletion itself, may lag behind the create: two empty results prove nothing yet. */
export function unconfirmed(id: string, known: Knowledge): Wait | undefined {
  const { record, now, lagMs } = known;
  const since = Math.max(record.lastSeenAt ?? 0, record.isInDoubt ? (record.doubtSince ?? 0) : 0);
  if (lookedAt(id, known) - since >= lagMs) return undefined;
  const reason = 'the user is so new that look-ups may not show it yet: its deletion cannot be confirmed';
  return { status: 'wait', reason, delayMs: delayWithin(lagMs, now - since) };
}

export function isLocked(userId: string, known: Knowledge): boolean {
  return known.record.userId === userId || factsOf(known, 'lock').some((lock) => lock.userId === userId);
}
