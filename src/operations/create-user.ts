/**
 * Creates a user exactly once. Decides the next step from the knowledge; sends nothing itself.
 */
import { failed } from '../contract/outcome.ts';
import { isOlder } from '../contract/version.ts';
import { DamoovError } from '../damoov/errors.ts';
import { type CreatedUser, type DamoovUser, sameUserId } from '../damoov/wire.ts';
import type { Effect, UserRecord } from './context.ts';
import {
  type Candidate,
  type SignUp,
  MOST_CANDIDATES,
  NEXT,
  candidatesOf,
  isFirst,
} from './create-candidates.ts';
import { checkGiven, checkNamed, checkOthersAsked } from './create-conflicts.ts';
import {
  adopt,
  awaitSight,
  done,
  existed,
  endExisting,
  isUpToDate,
  idMayBeUsedUp,
  mismatched,
  outcomeUnknown,
} from './create-ends.ts';
import {
  LOOK_AGAIN_AFTER_MS,
  ambiguous,
  isInReach,
  isOfInstance,
  isRenamedLately,
  isSameForm,
  otherInstance,
} from './find-user.ts';
import {
  AWAIT_DELETION,
  AWAIT_MOVE,
  AWAIT_RENAME,
  NOT_SEEN_YET,
  isBeingDeleted,
  isBeingGiven,
  isBeingMoved,
  supersededByEnd,
} from './newer-knowledge.ts';
import {
  type Knowledge,
  type Step,
  after,
  bearersOf,
  end,
  factsOf,
  look,
  lookedAt,
  looksUnder,
  seenUnder,
} from './step.ts';

/** How long after we made a user it is believed to exist without a look-up, in milliseconds. */
const TRUST_MS = 15 * 60_000;

/** Maximum number of conflicts answered with the next id: a conflict may have another reason. */
const MOST_CONFLICTS = 5;

export function nextCreateStep(signUp: SignUp, known: Knowledge): Step {
  const step = decide(signUp, known);
  return step.do === 'end' ? end(underItsName(step.effect, signUp, known)) : step;
}

/** Damoov showed the user under this clientId: its recorded clientId is outdated. */
function underItsName({ outcome, recordUpdate }: Effect, { clientId }: SignUp, known: Knowledge): Effect {
  const isOfAnotherName = factsOf(known, 'lock').some((lock) => lock.isOfAnotherName);
  const isRenamed = isOfAnotherName && clientId !== undefined && outcome.status === 'done';
  if (recordUpdate === undefined) return { outcome };
  return { outcome, recordUpdate: isRenamed ? { ...recordUpdate, renamedTo: clientId } : recordUpdate };
}

function decide(signUp: SignUp, known: Knowledge): Step {
  const { record, job } = known;
  if (isOlder(job.version, record.deleted)) return end({ outcome: supersededByEnd(record) });
  if (isBeingDeleted(record, known.now)) return end({ outcome: AWAIT_DELETION });
  if (isBeingMoved(record, known.now)) return end({ outcome: AWAIT_MOVE });
  const other = checkNamed(signUp, known) ?? checkOthersAsked(signUp, known) ?? checkGiven(signUp, known);
  if (other !== undefined) return other;
  for (const candidate of candidatesOf(signUp, known)) {
    const step = stepFor(candidate, signUp, known);
    if (step !== NEXT) return step;
  }
  const message = `${MOST_CANDIDATES} ids of this sign-up belong to other users`;
  return end({ outcome: failed('unexpected-user-id', message) });
}

function stepFor(candidate: Candidate, signUp: SignUp, known: Knowledge): Step | typeof NEXT {
  const { userId, isRemembered, record } = candidate;
  const created = factsOf(known, 'create').find((fact) => fact.userId === userId);
  if (created !== undefined && !isRemembered) return afterCreate(candidate, created.answer, signUp, known);
  if (userId === undefined) return chosenByDamoov(candidate, signUp, known);
  if (record.state === 'mismatched' && record.userId !== undefined && !isRemembered) {
    return mismatched(userId, record.userId, known);
  }
  if (!known.hasAdmin) return isRemembered ? existed(candidate, known) : send(userId, known);
  const isNamed = signUp.userId !== undefined;
  if (isRemembered && !isNamed && isYoung(record, known.now)) {
    if (isUpToDate(candidate, signUp, known)) return adopt(candidate, undefined, signUp, known);
    const seen = seenUnder(userId, known);
    if (seen === undefined) return look('userId', userId);
    return seen === null
      ? adopt(candidate, undefined, signUp, known)
      : endExisting(candidate, seen, signUp, known);
  }
  const { isInDoubt, deletingSince } = known.record;
  const mayBeSpent = deletingSince !== undefined;
  // A look-up showed a user there, but not its identity: after an applied rename it is another user.
  const mayBeThere = record.state === 'unknown' && record.userId !== undefined;
  if (!isRemembered && !isNamed && !isInDoubt && !mayBeSpent && !mayBeThere) return send(userId, known);
  const user = seenUnder(userId, known);
  if (user === undefined) return look('userId', userId);
  if (user !== null) {
    const step = resolveTaken(candidate, user, signUp, known);
    // If the job names the id, there is no next candidate: a look-up showed the user, but its update found none.
    if (step !== NEXT || !isNamed) return step;
  }
  const lastSeenAt = record.lastSeenAt ?? 0;
  if (isRemembered && lookedAt(userId, known) - lastSeenAt < known.lagMs)
    return end({ outcome: awaitSight(lastSeenAt, known) });
  if (isRemembered) return NEXT;
  if (isInDoubt) return afterDoubt(candidate, userId, signUp, known);
  if (!mayBeSpent || !isFirst(candidate, known)) return send(userId, known);
  return isNamed ? end({ outcome: idMayBeUsedUp(userId) }) : NEXT;
}

/** Waits for a rename to the clientId of the sign-up: until it is settled, no user is created. */
function send(userId: string | undefined, { record, now, lagMs }: Knowledge): Step {
  if (!isBeingGiven(record, now)) return { do: 'create', userId };
  // No look-up showed a user: after the lag, that settles an earlier create in doubt.
  const isInDoubt = record.isInDoubt && now - (record.doubtSince ?? 0) < lagMs;
  return end({ outcome: AWAIT_RENAME, recordUpdate: { record: { ...record, isInDoubt } } });
}

/** Whether the user was certain to exist a short time ago. */
function isYoung({ lastSeenAt, deletingSince }: UserRecord, now: number): boolean {
  return lastSeenAt !== undefined && deletingSince === undefined && now - lastSeenAt < TRUST_MS;
}

/** The id is taken: by the sign-up's user or by another one. */
function resolveTaken(
  candidate: Candidate,
  user: DamoovUser,
  signUp: SignUp,
  known: Knowledge,
): Step | typeof NEXT {
  if (signUp.userId === undefined) {
    const isAnother =
      signUp.clientId !== undefined &&
      user.clientId !== undefined &&
      !isSameForm(user.clientId, signUp.clientId) &&
      !(candidate.isRemembered && isRenamedLately(known));
    if (isAnother) return NEXT;
    return endExisting(candidate, user, signUp, known);
  }
  if (!isInReach(user, known)) return end({ outcome: otherInstance(user, known) });
  const isAnother =
    signUp.clientId !== undefined && user.clientId !== undefined && user.clientId !== signUp.clientId;
  if (isAnother && !(candidate.isRemembered && isSameForm(user.clientId, signUp.clientId))) {
    return end({ outcome: failed('user-mismatch', 'this user has another clientId', user.userId) });
  }
  return adopt(candidate, user, signUp, known);
}

/** No look-up shows a user under an id for which an earlier run may have sent a create. */
function afterDoubt(
  candidate: Candidate,
  userId: string,
  signUp: SignUp,
  known: Knowledge,
): Step | typeof NEXT {
  const { record, instance } = known;
  const since = record.doubtSince ?? 0;
  const isYoung = lookedAt(userId, known) - since < known.lagMs;
  // An unconfirmed deletion may have spent the id.
  if (isFirst(candidate, known) && record.deletingSince !== undefined) {
    if (isYoung) return end({ outcome: awaitSight(since, known) });
    return signUp.userId === undefined ? NEXT : end({ outcome: idMayBeUsedUp(userId) });
  }
  if (signUp.clientId === undefined) return send(userId, known);
  const bearers = bearersOf(signUp.clientId, known);
  if (bearers === undefined) return look('clientId', signUp.clientId);
  // A lagging look-up may show the user to the second query and not to the first.
  const own = bearers.find((user) => sameUserId(user.userId, userId));
  if (own !== undefined) return adopt(candidate, own, signUp, known);
  const others = bearers.filter((user) => user.clientId === signUp.clientId && isOfInstance(user, instance));
  const [other] = others;
  // Until the lag is over, our own user may exist as well.
  if (other !== undefined && isYoung) return end({ outcome: awaitSight(since, known) });
  if (others.length > 1) return end({ outcome: ambiguous(others) });
  // Damoov may have ignored the id that we requested.
  return other === undefined ? send(userId, known) : mismatched(userId, other.userId, known);
}

/** Damoov chooses the id: only a look-up by clientId shows whether an earlier create was applied. */
function chosenByDamoov(candidate: Candidate, signUp: SignUp, known: Knowledge): Step | typeof NEXT {
  const { record, hasAdmin, instance } = known;
  if (!record.isInDoubt) return send(undefined, known);
  if (signUp.clientId === undefined || !hasAdmin) return end({ outcome: outcomeUnknown() });
  const everywhere = bearersOf(signUp.clientId, known);
  if (everywhere === undefined) return look('clientId', signUp.clientId);
  const bearers = everywhere.filter((user) => isOfInstance(user, instance));
  const users = bearers.filter((user) => user.clientId === signUp.clientId);
  const [user] = users;
  if (users.length > 1) return end({ outcome: ambiguous(users) });
  if (user !== undefined) return adopt({ ...candidate, userId: user.userId }, user, signUp, known);
  // One in another instance may be ours and have been moved.
  const [similar] = bearers.length > 0 ? bearers : everywhere;
  if (similar === undefined) {
    // Only a look-up can find the user, and it may lag behind: a create sent too soon would make a second user.
    const since = record.doubtSince ?? 0;
    const isYoung = lookedAt(signUp.clientId, known) - since < known.lagMs;
    return isYoung ? end({ outcome: awaitSight(since, known) }) : send(undefined, known);
  }
  const isNear = similar.clientId !== signUp.clientId;
  const message = `user ${similar.userId} has ${isNear ? 'nearly this clientId' : 'this clientId in another instance'} and may be the one that an unanswered create made`;
  return end({ outcome: failed('outcome-unknown', message) });
}

/** A user of ours was deleted under the id that the job names: Damoov may answer as if that user existed. */
function doubtSpent({ userId }: Candidate, known: Knowledge): Step | undefined {
  const { record, hasAdmin } = known;
  const isSpent = record.state === 'deleted' && record.userId !== undefined && userId === record.userId;
  if (!isSpent || userId === undefined || !hasAdmin) return undefined;
  const created = factsOf(known, 'create').find((fact) => fact.userId === userId);
  const looks = looksUnder(userId, after(known, created));
  if (looks.at(-1)) return undefined;
  const afterMs = LOOK_AGAIN_AFTER_MS[looks.length];
  return afterMs === undefined ? end({ outcome: idMayBeUsedUp(userId) }) : look('userId', userId, afterMs);
}

/** The create was answered, was refused, or is in doubt. */
function afterCreate(
  candidate: Candidate,
  answer: CreatedUser | DamoovError,
  signUp: SignUp,
  known: Knowledge,
): Step | typeof NEXT {
  const { userId } = candidate;
  if (!(answer instanceof DamoovError)) {
    const isWanted = userId === undefined || sameUserId(answer.userId, userId);
    if (!isWanted) return mismatched(userId, answer.userId, known);
    const since = after(known, factsOf(known, 'create').at(-1));
    return doubtSpent(candidate, known) ?? done(candidate, answer, signUp, since);
  }
  if (userId === undefined) {
    const isLost = answer.mayHaveBeenApplied && (signUp.clientId === undefined || !known.hasAdmin);
    return isLost ? end({ outcome: outcomeUnknown() }) : { do: 'fail', error: answer };
  }
  return REFUSALS.has(answer.kind)
    ? afterRefusal({ ...candidate, userId }, answer, signUp, known)
    : { do: 'fail', error: answer };
}

/** A repeated CustomToken is undocumented: 409, 422 and 400 may all mean that it is taken. */
function afterRefusal(
  candidate: Candidate & { userId: string },
  error: DamoovError,
  signUp: SignUp,
  known: Knowledge,
): Step | typeof NEXT {
  const { userId } = candidate;
  const { record, hasAdmin } = known;
  if (!hasAdmin) {
    if (error.kind === 'conflict') return existed(candidate, known);
    if (!record.isInDoubt) return { do: 'fail', error };
    const message = `${error.message}; without admin credentials it cannot be looked up`;
    return end({ outcome: failed('outcome-unknown', message, userId) });
  }
  const refusal = factsOf(known, 'create').find((fact) => fact.userId === userId);
  const looks = looksUnder(userId, after(known, refusal));
  const user = looks.at(-1);
  if (user) {
    const step = resolveTaken(candidate, user, signUp, known);
    const isGone = step === NEXT && factsOf(known, 'update').some((update) => update.userId === userId);
    return isGone ? { do: 'fail', error } : step;
  }
  // An earlier create may have made the user, and look-ups may not show it yet.
  const pauses = record.isInDoubt ? LOOK_AGAIN_AFTER_MS : ([0] as const);
  const afterMs = pauses[looks.length];
  if (afterMs !== undefined) return look('userId', userId, afterMs);
  if (error.kind !== 'conflict') return { do: 'fail', error };
  const isYoung = lookedAt(userId, known) - (record.doubtSince ?? 0) < known.lagMs;
  if (record.isInDoubt && isYoung) return end({ outcome: NOT_SEEN_YET });
  // The id is taken but no user is seen: it belonged to a user deleted longer ago than we remember.
  const isSpent = signUp.userId === undefined && candidate.generation < MOST_CONFLICTS;
  return isSpent ? NEXT : { do: 'fail', error };
}
const REFUSALS: ReadonlySet<DamoovError['kind']> = new Set(['conflict', 'rejected']);
