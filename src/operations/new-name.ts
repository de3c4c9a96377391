/**
 * Whether a user may get a clientId in an instance: no other user there has it, or may be getting it from an unanswered create.
 */
import { type Outcome, failed } from '../contract/outcome.ts';
import { isOlder } from '../contract/version.ts';
import { type DamoovUser, sameUserId } from '../damoov/wire.ts';
import type { Instance, UserRecord } from './context.ts';
import { isDerivedFrom } from './derive-user-id.ts';
import { hasGivenUp, isOfInstance, isSameForm } from './find-user.ts';
import { delayWithin } from './newer-knowledge.ts';
import { type Knowledge, type Step, bearersOf, end, factsOf, look, lookedAt, seenUnder } from './step.ts';

/** A clientId of another existing user of the instance cannot be given away; undefined once it is known to be free. */
export function checkNewName(
  userId: string,
  name: string,
  instance: Instance,
  known: Knowledge,
): Step | undefined {
  const locked = factsOf(known, 'lock-client-id').find((fact) => fact.clientId === name)?.record;
  if (locked === undefined) return { do: 'lock-client-id', clientId: name, instance, userId };
  const isOurs = locked.userId !== undefined && sameUserId(locked.userId, userId);
  // A newer deletion of the clientId has found no user; or a newer job has taken the clientId from its user.
  if (!isOurs && isOlder(known.job.version, locked.deleted)) {
    const message = `a newer job has deleted or given up the clientId that user ${userId} was to get`;
    return end({ outcome: failed('client-id-taken', message, userId) });
  }
  // A create of that clientId may have been sent: its result is known soon.
  const { doubtSince = 0 } = locked;
  if (!isOurs && locked.isInDoubt && known.now - doubtSince < known.lagMs) {
    return awaitBearer(doubtSince, known);
  }
  if (!isOurs && locked.userId !== undefined && locked.state !== 'deleted') {
    const user = seenUnder(locked.userId, known);
    if (user === undefined) return look('userId', locked.userId);
    const isThere =
      user === null
        ? isMadeLately(locked.userId, locked.lastSeenAt, known)
        : isSameForm(user.clientId ?? name, name);
    if (isThere) return end({ outcome: taken(userId, locked.userId) });
  }
  const bearers = bearersOf(name, known);
  if (bearers === undefined) return look('clientId', name);
  const bearer = bearers.find(
    (user) =>
      user.clientId === name &&
      !sameUserId(user.userId, userId) &&
      !hasGivenUp(user, locked, known) &&
      (isOfInstance(user, instance) || isElsewhere(user, name, instance, locked)),
  );
  return bearer === undefined ? undefined : end({ outcome: taken(userId, bearer.userId) });
}

/** Others may have moved a user of ours; one that a job of ours has moved has given up the clientId here. */
function isElsewhere({ userId }: DamoovUser, name: string, instance: Instance, locked: UserRecord): boolean {
  return userId !== locked.formerUserId && isDerivedFrom(name, userId, { instance, record: locked });
}

export function awaitBearer(since: number, { now, lagMs }: Knowledge): Step {
  const reason = 'a create of the clientId is not settled yet';
  return end({ outcome: { status: 'wait', reason, delayMs: delayWithin(lagMs, now - since) } });
}

function isMadeLately(userId: string, lastSeenAt: number | undefined, known: Knowledge): boolean {
  return lastSeenAt !== undefined && lookedAt(userId, known) - lastSeenAt < known.lagMs;
}

function taken(userId: string, bearer: string): Outcome {
  return failed('client-id-taken', `user ${bearer} has the clientId that user ${userId} was to get`, userId);
}
