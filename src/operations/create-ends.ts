/**
 * How a sign-up ends once its user is known: it was made, it was there and is brought up to date, or it is another one.
 */
import { PROFILE_FIELDS } from '../contract/field-names.ts';
import { type Created, type Retry, type Wait, failed } from '../contract/outcome.ts';
import { newest } from '../contract/version.ts';
import { CREATE_FIELDS } from '../damoov/user-fields.ts';
import type { CreatedUser, DamoovUser } from '../damoov/wire.ts';
import type { Effect, Field, UserRecord } from './context.ts';
import { type Candidate, type SignUp, NEXT } from './create-candidates.ts';
import { isInReach } from './find-user.ts';
import {
  type Changes,
  changesOf,
  delayWithin,
  namesOf,
  valueIn,
  withWritten,
  withoutNewer,
} from './newer-knowledge.ts';
import { type Knowledge, type Step, end, factsOf } from './step.ts';

/** The user was seen: update it, unless it was moved to an instance that is not configured. */
export function isThere(
  candidate: Candidate,
  user: DamoovUser,
  signUp: SignUp,
  known: Knowledge,
): Step | typeof NEXT {
  if (isInReach(user, known)) return adopt(candidate, user, signUp, known);
  return existed({ ...candidate, record: { ...candidate.record, madeAt: known.now } }, known);
}

/** What the create of a sign-up says of the user, and what only an update of it can. */
export function partsOf({ profile, settings, clientId }: Pick<SignUp, 'profile' | 'settings' | 'clientId'>): {
  made: Changes;
  rest: Changes;
} {
  const given = Object.entries(changesOf({ ...profile, settings, clientId }));
  return {
    made: Object.fromEntries(given.filter(([name]) => !LATER.has(name))),
    rest: Object.fromEntries(given.filter(([name]) => LATER.has(name))),
  };
}
const LATER: ReadonlySet<string> = new Set(
  PROFILE_FIELDS.filter((name) => !CREATE_FIELDS.some((field) => field === name)),
);

/** Whether the sign-up says nothing that the record does not know to be written, or newer. */
export function isUpToDate({ record }: Candidate, signUp: SignUp, { job }: Knowledge): boolean {
  return namesOf(withoutNewer(changesOf(givenBy(signUp)), record, job.version)).length === 0;
}

function givenBy({ profile, settings }: SignUp) {
  return { ...profile, settings };
}

/** The admin brings a user that is there up to date, which was looked up or is believed to be there. */
export function adopt(
  candidate: Candidate,
  user: DamoovUser | undefined,
  signUp: SignUp,
  known: Knowledge,
): Step | typeof NEXT {
  const { userId = '' } = candidate;
  const { job, now } = known;
  // A later job that names the user by its clientId alone has to find it.
  const isNameless = user !== undefined && user.clientId === undefined && signUp.clientId !== undefined;
  const given = { ...givenBy(signUp), ...(isNameless && { clientId: signUp.clientId }) };
  const changes = withoutNewer(changesOf(given), candidate.record, job.version);
  const names = namesOf(changes);
  const update = factsOf(known, 'update').find((fact) => fact.userId === userId);
  if (update?.error !== undefined) {
    return update.error.kind === 'not-found' ? NEXT : { do: 'fail', error: update.error };
  }
  // A look-up may show older values than the last write.
  const mayDiffer = (name: Field) =>
    changes[name] !== valueIn(user, name) || candidate.record.fields[name] !== undefined;
  if (update === undefined && names.some(mayDiffer)) {
    return { do: 'update', userId, changes };
  }
  // A create of ours that nobody answered has written the clientId, too: an older rename was meant for an earlier user.
  const isOurs = known.record.isInDoubt && user !== undefined && user.clientId === signUp.clientId;
  const written = isOurs && signUp.clientId !== undefined ? [...names, 'clientId' as const] : names;
  const record = { ...withWritten(candidate.record, written, job.version), madeAt: now };
  return existed({ ...candidate, record }, known);
}

export function existed({ userId = '', generation, record }: Candidate, known: Knowledge): Step {
  const outcome: Created = { status: 'done', type: 'user.created', userId, existed: true };
  return end(live(outcome, { ...record, generation }, known));
}

/** The user is made; what a create does not take is written at once. `known`: what was shown since. */
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
  const fresh = { ...record, generation, madeAt: known.now, fields: {} };
  const user = withWritten(fresh, namesOf(made), known.job.version);
  if (!known.hasAdmin || namesOf(rest).length === 0) return end(live(outcome, user, known));
  const update = factsOf(known, 'update').at(-1);
  if (update === undefined) return { do: 'update', userId, changes: rest };
  if (update.error === undefined) {
    return end(live(outcome, withWritten(user, namesOf(rest), known.job.version), known));
  }
  const { recordUpdate } = live(outcome, user, known);
  if (update.error.kind === 'not-found') return end({ outcome: NOT_UPDATABLE_YET, recordUpdate });
  return { do: 'fail', error: update.error, recordUpdate };
}

const NOT_UPDATABLE_YET: Retry = {
  status: 'retry',
  reason: 'Damoov does not know the user yet that it made',
};

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
    gaveUpBy: undefined,
  };
  return { outcome, recordUpdate: { record: { ...live, state: 'live' } } };
}

/** Damoov has another user than the one asked for; it is remembered, so that no further one is made. */
export function mismatched(wanted: string, actual: string, { record }: Knowledge): Step {
  const recordUpdate = {
    record: { ...record, userId: actual, state: 'mismatched' as const, isInDoubt: false },
  };
  return end({ outcome: unexpected(wanted, actual), recordUpdate });
}

export function unexpected(wanted: string, actual: string) {
  return failed('unexpected-user-id', `asked for user ${wanted}, Damoov has user ${actual}`, wanted);
}

/** Sent again blindly, it might make a second user: a person has to decide. */
export function outcomeUnknown() {
  return failed(
    'outcome-unknown',
    'the create may have been carried out, and without an id of ours, a clientId or admin credentials it cannot be looked up',
  );
}

/** Damoov may answer for an id that it has deleted as if the user were there. */
export function maySpent(userId: string) {
  const message = `user ${userId} was deleted, or may have been, and Damoov gives no id twice: name another one`;
  return failed('outcome-unknown', message, userId);
}

export function awaitSight(since: number, { now, lagMs }: Knowledge): Wait {
  const reason = 'an unanswered create of this clientId may have made a user under another id: not seen yet';
  return { status: 'wait', reason, delayMs: delayWithin(lagMs, now - since) };
}
