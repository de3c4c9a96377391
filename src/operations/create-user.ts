/**
 * A sign-up: the user exists afterwards, and only once. Decides what comes next from what is known; sends nothing itself.
 */
import type { CreateUserJob } from '../contract/job.ts';
import { type Created, type Wait, failed } from '../contract/outcome.ts';
import { isOlder, newest } from '../contract/version.ts';
import { DamoovError } from '../damoov/errors.ts';
import { type CreatedUser, type DamoovUser, sameUserId } from '../damoov/wire.ts';
import type { Effect, UserRecord } from './context.ts';
import { deriveUserId, idsInDoubt, isDerivedFrom } from './derive-user-id.ts';
import {
  LOOK_AGAIN_AFTER_MS,
  ambiguous,
  isInReach,
  isOfInstance,
  isSameForm,
  otherInstance,
} from './find-user.ts';
import {
  AWAIT_DELETION,
  AWAIT_RENAME,
  NOT_SEEN_YET,
  delayWithin,
  isBeingDeleted,
  isBeingGiven,
  namesOf,
  nextGeneration,
  superseded,
  withWritten,
  withoutNewer,
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

type SignUp = CreateUserJob['data'];

/** A user that may be the one of the sign-up. */
interface Candidate {
  /** Undefined where Damoov chooses the id. */
  userId: string | undefined;
  generation: number;
  /** The record says that this user is there. */
  isRemembered: boolean;
  /** What is known of it. */
  record: UserRecord;
}

/** It is not this one: gone, or another's. */
const NEXT = 'next';

/** How long after we made a user it is believed to exist without a look-up, in milliseconds. */
const TRUST_MS = 15 * 60_000;

/** So many ids of a sign-up are tried. */
const MOST_CANDIDATES = 8;

/** A conflict may also be about something else than the id: so many are answered with the next id. */
const MOST_CONFLICTS = 5;

export function nextCreateStep(signUp: SignUp, known: Knowledge): Step {
  const { record, job } = known;
  if (isOlder(job.version, record.deleted)) return end({ outcome: superseded('deletion', record.userId) });
  if (isBeingDeleted(record, known.now)) return end({ outcome: AWAIT_DELETION });
  const other = checkNamed(signUp, known) ?? checkOthersAsked(signUp, known) ?? checkGiven(signUp, known);
  if (other !== undefined) return other;
  for (const candidate of candidatesOf(signUp, known)) {
    const step = stepFor(candidate, signUp, known);
    if (step !== NEXT) return step;
  }
  const message = `${MOST_CANDIDATES} ids of this sign-up belong to other users`;
  return end({ outcome: failed('unexpected-user-id', message) });
}

/** Where the job names the id: that neither the record nor Damoov has another user of the clientId. */
function checkNamed({ userId, clientId }: SignUp, known: Knowledge): Step | undefined {
  const { record, hasAdmin } = known;
  if (userId === undefined) return undefined;
  const other = record.state === 'live' || record.state === 'stray' ? record.userId : undefined;
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
  // Jobs that name the user by its id alone have a lock of their own.
  const isLocked = factsOf(known, 'lock').some((lock) => lock.userId === userId);
  return isLocked ? undefined : { do: 'lock', userId };
}

/** An earlier create of the clientId, that nobody answered, may have asked for another id than this one does. */
function checkOthersAsked(signUp: SignUp, known: Knowledge): Step | undefined {
  const { record, hasAdmin, lagMs } = known;
  const { doubtSince = 0, isInDoubt } = record;
  if (!hasAdmin || signUp.clientId === undefined) return undefined;
  if (isInDoubt && signUp.userId !== undefined && known.userIdMode === 'assigned') {
    // Nobody can tell which id Damoov has chosen: only that nobody bears the clientId, once look-ups lag no more.
    const isYoung = lookedAt(signUp.clientId, known) - doubtSince < lagMs;
    return isYoung ? end({ outcome: awaitSight(doubtSince, known) }) : undefined;
  }
  const tried =
    signUp.userId ?? deriveUserId(known.instance, { clientId: signUp.clientId }, nextGeneration(record));
  for (const userId of idsInDoubt(signUp.clientId, known).filter((id) => id !== tried)) {
    const user = seenUnder(userId, known);
    if (user === undefined) return look('userId', userId);
    if (user === null) {
      // Until the lag of look-ups is over, that nobody is seen is no proof.
      if (lookedAt(userId, known) - doubtSince < lagMs)
        return end({ outcome: awaitSight(doubtSince, known) });
      continue;
    }
    if (!isSameForm(user.clientId, signUp.clientId)) continue;
    if (signUp.userId !== undefined) return end({ outcome: unexpected(signUp.userId, userId) });
    const candidate = { userId, generation: record.generation, isRemembered: true, record };
    const step = isInReach(user, known) ? adopt(candidate, user, signUp, known) : existed(candidate, known);
    if (step !== NEXT) return step;
  }
  return undefined;
}

function awaitSight(since: number, { now, lagMs }: Knowledge): Wait {
  const reason = 'an unanswered create of this clientId may have made a user under another id: not seen yet';
  return { status: 'wait', reason, delayMs: delayWithin(lagMs, now - since) };
}

/** A rename to this clientId was cut off: Damoov is asked who bears it. */
function checkGiven(signUp: SignUp, known: Knowledge): Step | undefined {
  const { record, hasAdmin } = known;
  const { clientId } = signUp;
  if (record.givenSince === undefined || !hasAdmin || clientId === undefined) return undefined;
  const bearers = bearersOf(clientId, known);
  if (bearers === undefined) return look('clientId', clientId);
  const bearer = bearers.find((user) => user.clientId === clientId);
  if (bearer === undefined) return undefined;
  const { userId } = bearer;
  if (signUp.userId !== undefined && signUp.userId !== userId)
    return end({ outcome: unexpected(signUp.userId, userId) });
  const candidate = { userId, generation: record.generation, isRemembered: true, record };
  const step = isInReach(bearer, known) ? adopt(candidate, bearer, signUp, known) : existed(candidate, known);
  return step === NEXT ? undefined : step;
}

/** The users that may be the sign-up's, the likeliest first. */
function* candidatesOf(
  signUp: SignUp,
  { record, userIdMode, instance, job }: Knowledge,
): Generator<Candidate> {
  const { userId, generation } = record;
  const isChosen = signUp.userId === undefined && userIdMode === 'assigned';
  const isNamed = userId !== undefined && signUp.userId !== undefined && sameUserId(signUp.userId, userId);
  const isMeant = record.state === 'live' || (record.state === 'stray' && (isChosen || isNamed));
  const isRemembered = userId !== undefined && isMeant;
  if (isRemembered) yield { userId, generation, isRemembered, record };
  // Of a user that is gone, or another's, nothing that was written counts for the next one.
  const gone: UserRecord = isRemembered
    ? { ...record, state: 'deleted', madeAt: undefined, fields: {} }
    : record;
  const first = nextGeneration(gone);
  const wanted = { isRemembered: false, record: gone };
  if (signUp.userId !== undefined || isChosen) {
    yield { ...wanted, userId: signUp.userId, generation: first };
    return;
  }
  const { clientId } = signUp;
  const subject = clientId !== undefined ? { clientId } : { jobId: job.id, timestamp: job.timestamp };
  for (let next = first; next < first + MOST_CANDIDATES; next += 1) {
    const record =
      next === first ? gone : { ...gone, state: 'deleted' as const, madeAt: undefined, fields: {} };
    yield { ...wanted, record, userId: deriveUserId(instance, subject, next), generation: next };
  }
}

function stepFor(candidate: Candidate, signUp: SignUp, known: Knowledge): Step | typeof NEXT {
  const { userId, isRemembered, record } = candidate;
  const created = factsOf(known, 'create').find((fact) => fact.userId === userId);
  if (created !== undefined && !isRemembered) return afterCreate(candidate, created.answer, signUp, known);
  if (userId === undefined) return chosenByDamoov(candidate, signUp, known);
  if (record.state === 'stray' && record.userId !== undefined && !isRemembered) {
    return mismatched(userId, record.userId, known);
  }
  if (!known.hasAdmin) return isRemembered ? existed(candidate, known) : send(userId, known);
  const isNamed = signUp.userId !== undefined;
  if (isRemembered && !isNamed && isYoung(record, known.now))
    return adopt(candidate, undefined, signUp, known);
  const { isInDoubt, deletingSince } = known.record;
  const mayBeSpent = deletingSince !== undefined;
  if (!isRemembered && !isNamed && !isInDoubt && !mayBeSpent) return send(userId, known);
  const user = seenUnder(userId, known);
  if (user === undefined) return look('userId', userId);
  if (user !== null) {
    const step = whoIsThere(candidate, user, signUp, known);
    // An id that the job names has no next one: it was seen, and its update has found nobody.
    if (step !== NEXT || !isNamed) return step;
  }
  if (isRemembered) return NEXT;
  if (isInDoubt) return afterDoubt(candidate, userId, signUp, known);
  if (!mayBeSpent || !isFirst(candidate, known)) return send(userId, known);
  return isNamed ? end({ outcome: maySpent(userId) }) : NEXT;
}

function isFirst({ generation }: Candidate, { record }: Knowledge): boolean {
  return generation === nextGeneration(record);
}

/** Damoov may answer for an id that it has deleted as if the user were there. */
function maySpent(userId: string) {
  const message = `a deletion of user ${userId} was never confirmed, and may have spent the id: name another one`;
  return failed('outcome-unknown', message, userId);
}

/** A user who may be getting the clientId of the sign-up is waited for: until that is known, nobody is made. */
function send(userId: string | undefined, { record, now, lagMs }: Knowledge): Step {
  if (!isBeingGiven(record, now)) return { do: 'create', userId };
  // Nobody has been seen: what an earlier create left in doubt has made nobody, once look-ups do not lag behind it any more.
  const isInDoubt = record.isInDoubt && now - (record.doubtSince ?? 0) < lagMs;
  return end({ outcome: AWAIT_RENAME, learnt: { record: { ...record, isInDoubt } } });
}

/** Whether the user counts as the one of a clientId: in the instance of the job, or made by us and moved since. */
function isBearer(user: DamoovUser, clientId: string, known: Knowledge): boolean {
  const isOurs = isOfInstance(user, known.instance) || isDerivedFrom(clientId, user.userId, known);
  return user.clientId === clientId && isOurs;
}

/** Whether we know for certain, and not long ago, that the user is there. */
function isYoung({ madeAt, deletingSince }: UserRecord, now: number): boolean {
  return madeAt !== undefined && deletingSince === undefined && now - madeAt < TRUST_MS;
}

/** Somebody has the id: the user of the sign-up, or another one. */
function whoIsThere(
  candidate: Candidate,
  user: DamoovUser,
  signUp: SignUp,
  known: Knowledge,
): Step | typeof NEXT {
  if (signUp.userId === undefined) {
    const isAnother =
      signUp.clientId !== undefined &&
      user.clientId !== undefined &&
      !isSameForm(user.clientId, signUp.clientId);
    if (isAnother) return NEXT;
    // Ours, and moved to where we may change nothing: it is there all the same.
    return isInReach(user, known) ? adopt(candidate, user, signUp, known) : existed(candidate, known);
  }
  if (!isInReach(user, known)) return end({ outcome: otherInstance(user, known) });
  const isAnother =
    signUp.clientId !== undefined && user.clientId !== undefined && user.clientId !== signUp.clientId;
  if (isAnother && !(candidate.isRemembered && isSameForm(user.clientId, signUp.clientId))) {
    return end({ outcome: failed('user-mismatch', 'this user has another clientId', user.userId) });
  }
  return adopt(candidate, user, signUp, known);
}

/** Nobody is seen under an id for which an earlier run may have sent a create. */
function afterDoubt(
  candidate: Candidate,
  userId: string,
  signUp: SignUp,
  known: Knowledge,
): Step | typeof NEXT {
  const { record, instance } = known;
  const since = record.doubtSince ?? 0;
  const isYoung = lookedAt(userId, known) - since < known.lagMs;
  // A deletion that nobody confirmed may have spent the id.
  if (isFirst(candidate, known) && record.deletingSince !== undefined) {
    if (isYoung) return end({ outcome: awaitSight(since, known) });
    return signUp.userId === undefined ? NEXT : end({ outcome: maySpent(userId) });
  }
  if (signUp.clientId === undefined) return send(userId, known);
  const bearers = bearersOf(signUp.clientId, known);
  if (bearers === undefined) return look('clientId', signUp.clientId);
  // A look-up that lags behind may show the user to the second question, and not to the first.
  const own = bearers.find((user) => sameUserId(user.userId, userId));
  if (own !== undefined) return adopt(candidate, own, signUp, known);
  const others = bearers.filter((user) => user.clientId === signUp.clientId && isOfInstance(user, instance));
  const [other] = others;
  // Until the lag is over, one of ours may be there besides.
  if (other !== undefined && isYoung) return end({ outcome: awaitSight(since, known) });
  if (others.length > 1) return end({ outcome: ambiguous(others) });
  // Damoov may have taken no notice of the id we asked for.
  return other === undefined ? send(userId, known) : mismatched(userId, other.userId, known);
}

/** Damoov chooses the id: only the clientId can tell whether an earlier create went through. */
function chosenByDamoov(candidate: Candidate, signUp: SignUp, known: Knowledge): Step | typeof NEXT {
  const { record, hasAdmin, instance } = known;
  if (!record.isInDoubt) return send(undefined, known);
  if (signUp.clientId === undefined || !hasAdmin) return end({ outcome: outcomeUnknown() });
  const bearers = bearersOf(signUp.clientId, known)?.filter((user) => isOfInstance(user, instance));
  if (bearers === undefined) return look('clientId', signUp.clientId);
  const users = bearers.filter((user) => user.clientId === signUp.clientId);
  const [user] = users;
  if (users.length > 1) return end({ outcome: ambiguous(users) });
  if (user !== undefined) return adopt({ ...candidate, userId: user.userId }, user, signUp, known);
  const [similar] = bearers;
  if (similar === undefined) {
    // Nothing but a look-up can find the user, and it may lag behind: sent again too soon, the create would make a second one.
    const since = record.doubtSince ?? 0;
    const isYoung = lookedAt(signUp.clientId, known) - since < known.lagMs;
    return isYoung ? end({ outcome: awaitSight(since, known) }) : send(undefined, known);
  }
  const message = `user ${similar.userId} has nearly this clientId, and may be the one that an unanswered create has made`;
  return end({ outcome: failed('outcome-unknown', message) });
}

/** The create was answered, or refused, or nobody knows. */
function afterCreate(
  candidate: Candidate,
  answer: CreatedUser | DamoovError,
  signUp: SignUp,
  known: Knowledge,
): Step | typeof NEXT {
  const { userId } = candidate;
  if (!(answer instanceof DamoovError)) {
    const isWanted = userId === undefined || sameUserId(answer.userId, userId);
    return isWanted ? done(candidate, answer, signUp, known) : mismatched(userId, answer.userId, known);
  }
  if (userId === undefined) {
    const isLost = answer.mayHaveBeenApplied && (signUp.clientId === undefined || !known.hasAdmin);
    return isLost ? end({ outcome: outcomeUnknown() }) : { do: 'fail', error: answer };
  }
  return REFUSALS.has(answer.kind)
    ? afterRefusal({ ...candidate, userId }, answer, signUp, known)
    : { do: 'fail', error: answer };
}

/** Nothing is documented of a CustomToken sent twice: 409, 422 and 400 may all mean that it is taken. */
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
    const step = whoIsThere(candidate, user, signUp, known);
    const isGone = step === NEXT && factsOf(known, 'update').some((update) => update.userId === userId);
    return isGone ? { do: 'fail', error } : step;
  }
  // An earlier create may have made it, and look-ups not show it yet.
  const pauses = record.isInDoubt ? LOOK_AGAIN_AFTER_MS : ([0] as const);
  const afterMs = pauses[looks.length];
  if (afterMs !== undefined) return look('userId', userId, afterMs);
  if (error.kind !== 'conflict') return { do: 'fail', error };
  const isYoung = lookedAt(userId, known) - (record.doubtSince ?? 0) < known.lagMs;
  if (record.isInDoubt && isYoung) return end({ outcome: NOT_SEEN_YET });
  // Taken, and nobody has it: a user who was deleted longer ago than is remembered.
  const isSpent = signUp.userId === undefined && candidate.generation < MOST_CONFLICTS;
  return isSpent ? NEXT : { do: 'fail', error };
}
const REFUSALS: ReadonlySet<DamoovError['kind']> = new Set(['conflict', 'rejected']);

/** The admin brings a user that is there up to date, which was looked up or is believed to be there. */
function adopt(
  candidate: Candidate,
  user: DamoovUser | undefined,
  signUp: SignUp,
  known: Knowledge,
): Step | typeof NEXT {
  const { userId = '' } = candidate;
  const { job, now } = known;
  // A later job that names the user by its clientId alone has to find it.
  const isNameless = user !== undefined && user.clientId === undefined && signUp.clientId !== undefined;
  const given = { ...signUp.profile, ...(isNameless && { clientId: signUp.clientId }) };
  const changes = withoutNewer(given, candidate.record, job.version);
  const names = namesOf(changes);
  const update = factsOf(known, 'update').find((fact) => fact.userId === userId);
  if (update?.error !== undefined) {
    return update.error.kind === 'not-found' ? NEXT : { do: 'fail', error: update.error };
  }
  if (update === undefined && names.some((name) => changes[name] !== user?.[name])) {
    return { do: 'update', userId, changes };
  }
  const record = { ...withWritten(candidate.record, names, job.version), madeAt: now };
  return existed({ ...candidate, record }, known);
}

function existed({ userId = '', generation, record }: Candidate, known: Knowledge): Step {
  const outcome: Created = { status: 'done', type: 'user.created', userId, existed: true };
  return end(live(outcome, { ...record, generation }, known));
}

function done(candidate: Candidate, answer: CreatedUser, signUp: SignUp, known: Knowledge): Step {
  const { userId, accessToken, refreshToken } = answer;
  const outcome: Created = {
    status: 'done',
    type: 'user.created',
    userId,
    existed: false,
    ...(accessToken !== undefined && { accessToken: accessToken.token }),
    ...(refreshToken !== undefined && { refreshToken }),
  };
  const { record, generation } = candidate;
  const names = namesOf({ ...signUp.profile, clientId: signUp.clientId });
  const made = { ...record, generation, madeAt: known.now, fields: {} };
  return end(live(outcome, withWritten(made, names, known.job.version), known));
}

function live(outcome: Created, record: UserRecord, { job }: Knowledge): Effect {
  const { userId } = outcome;
  const created = newest(record.created, job.version);
  const live = {
    ...record,
    userId,
    created,
    isInDoubt: false,
    deletingSince: undefined,
    givenSince: undefined,
  };
  return { outcome, learnt: { record: { ...live, state: 'live' } } };
}

/** Damoov has another user than the one asked for; it is remembered, so that no further one is made. */
function mismatched(wanted: string, actual: string, { record }: Knowledge): Step {
  const learnt = { record: { ...record, userId: actual, state: 'stray' as const, isInDoubt: false } };
  return end({ outcome: unexpected(wanted, actual), learnt });
}

function unexpected(wanted: string, actual: string) {
  return failed('unexpected-user-id', `asked for user ${wanted}, Damoov has user ${actual}`, wanted);
}

/** Sent again blindly, it might make a second user: a person has to decide. */
function outcomeUnknown() {
  return failed(
    'outcome-unknown',
    'the create may have been carried out, and without an id of ours, a clientId or admin credentials it cannot be looked up',
  );
}
