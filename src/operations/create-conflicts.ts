/**
 * Reasons why a sign-up must not create its user: another user has the clientId, may have been created for it, or is getting it.
 */
import { type DamoovUser, sameUserId } from '../damoov/wire.ts';
import { type SignUp, NEXT } from './create-candidates.ts';
import { awaitSight, endExisting, unexpected } from './create-ends.ts';
import { deriveUserId, generationToAsk, idsInDoubt, isDerivedFrom } from './derive-user-id.ts';
import { failed } from '../contract/outcome.ts';
import { isOfInstance, isSameForm } from './find-user.ts';
import { AWAIT_RENAME, isBeingGiven } from './newer-knowledge.ts';
import { type Knowledge, type Step, bearersOf, end, factsOf, look, lookedAt, seenUnder } from './step.ts';

/** If the job names the id: neither the record nor Damoov may show another user of the clientId. */
export function checkNamed(signUp: SignUp, known: Knowledge): Step | undefined {
  const { userId, clientId } = signUp;
  const { record, hasAdmin } = known;
  if (userId === undefined) return undefined;
  const another = checkOtherName(signUp, known);
  if (another !== undefined) return another;
  const other = record.state === 'live' || record.state === 'mismatched' ? record.userId : undefined;
  if (other !== undefined && !sameUserId(other, userId)) return end({ outcome: unexpected(userId, other) });
  if (clientId === undefined || other !== undefined) return undefined;
  if (hasAdmin) {
    const bearers = bearersOf(clientId, known);
    if (bearers === undefined) return look('clientId', clientId);
    const bearer = bearers.find(
      (user) => isBearer(user, clientId, known) && !sameUserId(user.userId, userId),
    );
    if (bearer !== undefined) return end({ outcome: unexpected(userId, bearer.userId) });
  }
  // Jobs that name the user by its id alone use another lock.
  return factsOf(known, 'lock').length > 0 ? undefined : { do: 'lock', userId };
}

/** The id that the job names is recorded under another clientId: only Damoov can show whether that has changed. */
function checkOtherName({ userId, clientId }: SignUp, known: Knowledge): Step | undefined {
  const [lock] = factsOf(known, 'lock');
  if (userId === undefined || lock?.isOfAnotherName !== true) return undefined;
  const user = known.hasAdmin ? seenUnder(userId, known) : null;
  if (user === undefined) return look('userId', userId);
  if (user?.clientId === clientId) return undefined;
  return end({ outcome: failed('user-mismatch', 'this user is the one of another clientId', userId) });
}

/** An earlier unanswered create of the clientId may have requested another id than this one. */
export function checkOthersAsked(signUp: SignUp, known: Knowledge): Step | undefined {
  const { record, hasAdmin, lagMs } = known;
  const { doubtSince = 0, isInDoubt } = record;
  if (!hasAdmin || signUp.clientId === undefined) return undefined;
  if (isInDoubt && signUp.userId !== undefined && known.userIdMode === 'assigned') {
    // The id that Damoov chose is unknown. Only an empty look-up after the lag proves that no user has the clientId.
    const isYoung = lookedAt(signUp.clientId, known) - doubtSince < lagMs;
    return isYoung ? end({ outcome: awaitSight(doubtSince, known) }) : undefined;
  }
  const inDoubt = idsInDoubt(signUp.clientId, known);
  // The usual case: it saves deriving this sign-up's ids.
  if (inDoubt.length === 0) return undefined;
  const tried =
    signUp.userId ?? deriveUserId(known.instance, { clientId: signUp.clientId }, generationToAsk(record));
  for (const userId of inDoubt.filter((id) => id !== tried)) {
    const user = seenUnder(userId, known);
    if (user === undefined) return look('userId', userId);
    if (user === null) {
      // Until the lag is over, an empty look-up proves nothing.
      if (lookedAt(userId, known) - doubtSince < lagMs)
        return end({ outcome: awaitSight(doubtSince, known) });
      continue;
    }
    if (!isSameForm(user.clientId, signUp.clientId)) continue;
    if (signUp.userId !== undefined) return end({ outcome: unexpected(signUp.userId, userId) });
    const candidate = { userId, generation: record.generation, isRemembered: true, record };
    const step = endExisting(candidate, user, signUp, known);
    if (step !== NEXT) return step;
  }
  return undefined;
}

/** A rename to this clientId was interrupted: a look-up shows which user has the clientId. */
export function checkGiven(signUp: SignUp, known: Knowledge): Step | undefined {
  const { record, hasAdmin } = known;
  const { clientId } = signUp;
  if (record.givenSince === undefined || !hasAdmin || clientId === undefined) return undefined;
  const bearers = bearersOf(clientId, known);
  if (bearers === undefined) return look('clientId', clientId);
  const exact = bearers.filter((user) => user.clientId === clientId);
  const bearer = exact.find((user) => isOfInstance(user, known.instance)) ?? exact[0];
  if (bearer === undefined) return undefined;
  // The user is in another instance, and a move to this one may not be settled yet.
  if (!isOfInstance(bearer, known.instance) && isBeingGiven(record, known.now)) {
    return end({ outcome: AWAIT_RENAME });
  }
  const { userId } = bearer;
  if (signUp.userId !== undefined && signUp.userId !== userId)
    return end({ outcome: unexpected(signUp.userId, userId) });
  const candidate = { userId, generation: record.generation, isRemembered: true, record };
  const step = endExisting(candidate, bearer, signUp, known);
  return step === NEXT ? undefined : step;
}

/** Whether the user counts as the owner of a clientId: it is in the job's instance, or we made it and it was moved since. */
function isBearer(user: DamoovUser, clientId: string, known: Knowledge): boolean {
  const isOurs = isOfInstance(user, known.instance) || isDerivedFrom(clientId, user.userId, known);
  return user.clientId === clientId && isOurs;
}
