/**
 * How a sign-up ends once its user is known: the user was created, existed and is brought up to date, or is another one.
 */
import { PROFILE_FIELDS } from '../contract/fields.ts';
import { type Created, type Wait, failed } from '../contract/outcome.ts';
import { newest } from '../contract/version.ts';
import { CREATE_FIELDS } from '../damoov/user-fields.ts';
import type { CreatedUser, DamoovUser } from '../damoov/wire.ts';
import type { Effect, Field, UserRecord } from './context.ts';
import { type Candidate, type SignUp, NEXT } from './create-candidates.ts';
import { isInReach, isNotFound } from './find-user.ts';
import {
  type Changes,
  changesOf,
  delayWithin,
  namesOf,
  valueIn,
  withWritten,
  withoutNewer,
  NOTHING_WRITTEN,
} from './newer-knowledge.ts';
import { type Fact, type Knowledge, type Step, after, end, factsOf, look, seenUnder } from './step.ts';

/** A look-up showed the user: update it, unless it was moved to an instance that is not configured. */
export function endExisting(
  candidate: Candidate,
  user: DamoovUser,
  signUp: SignUp,
  known: Knowledge,
): Step | typeof NEXT {
  if (isInReach(user, known)) return adopt(candidate, user, signUp, known);
  return existed({ ...candidate, record: { ...candidate.record, lastSeenAt: known.now } }, known);
}

/** The fields that a create takes, and the rest, which only an update can write. */
export function partsOf({ profile, settings, clientId }: Pick<SignUp, 'profile' | 'settings' | 'clientId'>): {
  made: Changes;
  rest: Changes;
} {
  const made: Changes = changesOf({ ...profile, settings, clientId });
  const rest: Changes = {};
  for (const name of LATER) {
    if (made[name] === undefined) continue;
    Object.assign(rest, { [name]: made[name] });
    delete made[name];
  }
  return { made, rest };
}
const LATER = PROFILE_FIELDS.filter((name) => !CREATE_FIELDS.some((field) => field === name));

/** Whether the record shows every value of the sign-up as written, or a newer one. */
export function isUpToDate({ record }: Candidate, signUp: SignUp, { job }: Knowledge): boolean {
  return namesOf(withoutNewer(changesOf(givenBy(signUp)), record, job.version)).length === 0;
}

function givenBy({ profile, settings }: SignUp) {
  return { ...profile, settings };
}

/** Updates an existing user, which a look-up or the record showed, with the admin's credentials. */
export function adopt(
  candidate: Candidate,
  user: DamoovUser | undefined,
  signUp: SignUp,
  known: Knowledge,
): Step | typeof NEXT {
  const { userId = '' } = candidate;
  const { job, now } = known;
  // A later job that names the user only by its clientId must find it.
  const isNameless = user !== undefined && user.clientId === undefined && signUp.clientId !== undefined;
  const given = { ...givenBy(signUp), ...(isNameless && { clientId: signUp.clientId }) };
  const changes = withoutNewer(changesOf(given), candidate.record, job.version);
  const names = namesOf(changes);
  const update = factsOf(known, 'update').find((fact) => fact.userId === userId);
  if (update?.error !== undefined) {
    return isNotFound(update.error)
      ? notFound(candidate, update, known)
      : { do: 'fail', error: update.error };
  }
  // A look-up may show older values than the last write.
  const mayDiffer = (name: Field) =>
    changes[name] !== valueIn(user, name) || candidate.record.fields[name] !== undefined;
  if (update === undefined && names.some(mayDiffer)) {
    return { do: 'update', userId, changes };
  }
  // An unanswered create of ours has written the clientId, too: an older rename was meant for an earlier user.
  const isOurs = known.record.isInDoubt && user !== undefined && user.clientId === signUp.clientId;
  const written = isOurs && signUp.clientId !== undefined ? [...names, 'clientId' as const] : names;
  const record = { ...withWritten(candidate.record, written, job.version), lastSeenAt: now };
  return existed({ ...candidate, record }, known);
}

/** An update found no user: only a look-up after it shows whether the user is gone, and not before it shows the create. */
function notFound(
  { userId = '', record: { lastSeenAt } }: Candidate,
  update: Fact,
  known: Knowledge,
): Step | typeof NEXT {
  if (lastSeenAt !== undefined && known.now - lastSeenAt < known.lagMs)
    return end({ outcome: notUpdatableYet(lastSeenAt, known) });
  const user = seenUnder(userId, after(known, update));
  if (user === undefined) return look('userId', userId);
  return user === null ? NEXT : end({ outcome: { status: 'retry', reason: NOT_UPDATABLE } });
}

export function existed({ userId = '', generation, record }: Candidate, known: Knowledge): Step {
  const outcome: Created = { status: 'done', type: 'user.created', userId, existed: true };
  return end(live(outcome, { ...record, generation }, known));
}

/** The user is created; the fields that a create does not take are written at once. @param known the facts since the create. */
export function done(candidate: Candidate, answer: CreatedUser, signUp: SignUp, known: Knowledge): Step {
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
  const { made, rest } = partsOf(signUp);
  const fresh = { ...record, generation, lastSeenAt: known.now, ...NOTHING_WRITTEN };
  const user = withWritten(fresh, namesOf(made), known.job.version);
  if (!known.hasAdmin || namesOf(rest).length === 0) return end(live(outcome, user, known));
  const update = factsOf(known, 'update').at(-1);
  if (update === undefined) return { do: 'update', userId, changes: rest };
  if (update.error === undefined) {
    return end(live(outcome, withWritten(user, namesOf(rest), known.job.version), known));
  }
  const { recordUpdate } = live(outcome, user, known);
  if (isNotFound(update.error)) return end({ outcome: notUpdatableYet(known.now, known), recordUpdate });
  return { do: 'fail', error: update.error, recordUpdate };
}

function notUpdatableYet(since: number, { now, lagMs }: Knowledge): Wait {
  return { status: 'wait', reason: NOT_UPDATABLE, delayMs: delayWithin(lagMs, now - since) };
}
const NOT_UPDATABLE = 'an update does not find the user that exists';

function live(outcome: Created, record: UserRecord, { job }: Knowledge): Required<Effect> {
  const { userId } = outcome;
  const created = newest(record.created, job.version);
  const live = {
    ...record,
    userId,
    created,
    isInDoubt: false,
    deletingSince: undefined,
    givenSince: undefined,
    formerUserId: undefined,
    givenUpAt: undefined,
  };
  return { outcome, recordUpdate: { record: { ...live, state: 'live' } } };
}

/** Damoov has another user than the requested one; it is recorded, so that no further one is created. */
export function mismatched(wanted: string, actual: string, { record }: Knowledge): Step {
  const recordUpdate = {
    record: { ...record, userId: actual, state: 'mismatched' as const, isInDoubt: false },
  };
  return end({ outcome: unexpected(wanted, actual), recordUpdate });
}

export function unexpected(wanted: string, actual: string) {
  return failed('unexpected-user-id', `requested user ${wanted}, Damoov has user ${actual}`, wanted);
}

/** A blind retry might create a second user: a person has to decide. */
export function outcomeUnknown() {
  return failed(
    'outcome-unknown',
    'the create may have been carried out; it cannot be looked up without an id of ours, a clientId or admin credentials',
  );
}

/** Damoov may answer for a deleted id as if the user existed. */
export function idMayBeUsedUp(userId: string) {
  const message = `user ${userId} was or may have been deleted, and Damoov never reuses an id: name another one`;
  return failed('outcome-unknown', message, userId);
}

export function awaitSight(since: number, { now, lagMs }: Knowledge): Wait {
  const reason = 'an unanswered create of this clientId may have made a user under another id: not seen yet';
  return { status: 'wait', reason, delayMs: delayWithin(lagMs, now - since) };
}
