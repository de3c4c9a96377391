/**
 * Writes the named fields, except those with a newer known value. An update may arrive before its user exists. Decides the next step;
 * sends nothing itself.
 */
import type { UpdateUserJob } from '../contract/job.ts';
import { type Outcome, failed } from '../contract/outcome.ts';
import { isOlder } from '../contract/version.ts';
import { type DamoovUser, sameUserId } from '../damoov/wire.ts';
import type { RecordUpdate } from './context.ts';
import { isDerivedFrom } from './derive-user-id.ts';
import {
  ambiguous,
  hasGivenUp,
  isInReach,
  isNotFound,
  isOfInstance,
  isSameForm,
  otherInstance,
} from './find-user.ts';
import {
  type Changes,
  AWAIT_DELETION,
  AWAIT_RENAME,
  changesOf,
  delayWithin,
  isAbout,
  isBeingDeleted,
  isBeingGiven,
  namesOf,
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
  seenUnder,
} from './step.ts';

/** How long a new update waits for a create that may still arrive, in milliseconds. */
export const PATIENCE_MS = 5 * 60_000;

/** Delay of an update while the create of its user is not settled, in milliseconds. */
const PENDING_MS = 15_000;

type Update = UpdateUserJob['data'];

/** If both ids are given, the userId identifies the user. */
export function nextUpdateStep(update: Update, known: Knowledge): Step {
  const { record, job } = known;
  const { clientId, userId } = update;
  // The record does not describe a user that was deleted or replaced since.
  const wanted = changesOf(update.changes);
  if (userId !== undefined && !isAbout(record, userId)) return updateUnknown(userId, update, wanted, known);
  if (isOlder(job.version, record.deleted)) return end({ outcome: superseded('deletion', record.userId) });
  const changes = withoutNewer(wanted, record, job.version);
  if (Object.keys(changes).length === 0) return end({ outcome: superseded('newer values', record.userId) });
  if (isBeingDeleted(record, known.now)) return end({ outcome: AWAIT_DELETION });
  if (record.state === 'deleted') return end({ outcome: awaitUser(userId, known) });
  if (record.userId !== undefined) return applyWhereItIs(record.userId, update, changes, known);
  // Its create is older and not settled: until then, no user can be found.
  if (isOlder(record.pending, job.version) && record.pending !== undefined) {
    return end({ outcome: awaitUser(userId, known) });
  }
  if (userId !== undefined) return updateUnknown(userId, update, changes, known);
  if (isBeingGiven(record, known.now)) return end({ outcome: AWAIT_RENAME });
  return clientId === undefined ? end({ outcome: awaitUser(userId, known) }) : findBearer(clientId, known);
}

/**
 * The recorded user. Damoov would change it in any instance: a clientId alone means a user of this instance, a userId one of any
 * configured instance.
 */
function applyWhereItIs(userId: string, update: Update, changes: Changes, known: Knowledge): Step {
  const bearers = update.clientId === undefined ? undefined : bearersOf(update.clientId, known);
  const user = bearers?.find((bearer) => sameUserId(bearer.userId, userId)) ?? seenUnder(userId, known);
  if (user === undefined) return look('userId', userId);
  const isMeant = (one: DamoovUser) =>
    update.userId === undefined ? isOfInstance(one, known.instance) : isInReach(one, known);
  if (user !== null && !isMeant(user)) return end({ outcome: otherInstance(user, known) });
  return apply(userId, update, changes, known);
}

/** The record does not know this id. Damoov would change its user in any instance. */
function updateUnknown(userId: string, update: Update, changes: Changes, known: Knowledge): Step {
  const user = seenUnder(userId, known);
  if (user === undefined) return look('userId', userId);
  if (user === null) return end({ outcome: awaitUser(userId, known) });
  if (!isInReach(user, known)) return end({ outcome: otherInstance(user, known) });
  return apply(userId, update, changes, known, user);
}

/** No job has named the user; it may have existed before. */
function findBearer(clientId: string, known: Knowledge): Step {
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
    outcome: elsewhere === undefined ? awaitUser(undefined, known) : otherInstance(elsewhere, known),
  });
}

function apply(userId: string, update: Update, changes: Changes, known: Knowledge, user?: DamoovUser): Step {
  const sent = factsOf(known, 'update').findLast((fact) => fact.userId === userId);
  const before = clientIdBefore(userId, update, known, user);
  if (before === null) return look('userId', userId);
  if (sent === undefined) {
    return checkNewName(userId, changes, before, known) ?? { do: 'update', userId, changes };
  }
  if (sent.error !== undefined) {
    if (!isNotFound(sent.error)) return { do: 'fail', error: sent.error };
    return userGone(userId, update, after(known, sent));
  }
  const changed = namesOf(changes);
  const outcome: Outcome = { status: 'done', type: 'user.updated', userId, changed };
  if (!isAbout(known.record, userId)) return end({ outcome });
  return end({ outcome, recordUpdate: recordUpdateOf(userId, changes, before, update, known) });
}

/** The recorded user is gone: one look-up checks it. */
function userGone(userId: string, update: Update, since: Knowledge): Step {
  const { clientId } = update;
  if (update.userId !== undefined || clientId === undefined)
    return end({ outcome: awaitUser(update.userId, since) });
  const bearers = bearersOf(clientId, since);
  if (bearers === undefined) return look('clientId', clientId);
  const isSame = bearers.some((user) => user.clientId === clientId && sameUserId(user.userId, userId));
  return isSame ? end({ outcome: awaitUser(undefined, since) }) : findBearer(clientId, since);
}

/** The clientId that the user is about to lose: a later sign-up with it is another user. null: not known yet. */
function clientIdBefore(
  userId: string,
  { clientId, userId: named, changes }: Update,
  known: Knowledge,
  user?: DamoovUser,
): string | undefined | null {
  // The userId identifies the user, so the clientId beside it may belong to any user.
  const before = user?.clientId ?? (named === undefined ? clientId : undefined);
  if (before !== undefined || changes.clientId === undefined) return before;
  const seen = user ?? seenUnder(userId, known);
  return seen === undefined ? null : seen?.clientId;
}

/** A clientId of another existing user cannot be given away; undefined once it is known to be free. */
function checkNewName(
  userId: string,
  { clientId: name }: Changes,
  before: string | undefined,
  known: Knowledge,
): Step | undefined {
  if (typeof name !== 'string' || name === before) return undefined;
  const locked = factsOf(known, 'lock-name').find((fact) => fact.clientId === name)?.record;
  if (locked === undefined) return { do: 'lock-name', clientId: name, userId };
  const isOurs = locked.userId !== undefined && sameUserId(locked.userId, userId);
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
        ? isMadeLately(locked.userId, locked.madeAt, known)
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
      // A user of ours may have been moved.
      (isOfInstance(user, known.instance) || isDerivedFrom(name, user.userId, { ...known, record: locked })),
  );
  return bearer === undefined ? undefined : end({ outcome: taken(userId, bearer.userId) });
}

function awaitBearer(since: number, { now, lagMs }: Knowledge): Step {
  const reason = 'a create of the clientId is not settled yet';
  return end({ outcome: { status: 'wait', reason, delayMs: delayWithin(lagMs, now - since) } });
}

function isMadeLately(userId: string, madeAt: number | undefined, known: Knowledge): boolean {
  return madeAt !== undefined && lookedAt(userId, known) - madeAt < known.lagMs;
}

function taken(userId: string, bearer: string): Outcome {
  return failed('client-id-taken', `user ${bearer} has the clientId that user ${userId} was to get`, userId);
}

function recordUpdateOf(
  userId: string,
  changes: Changes,
  before: string | undefined,
  update: Update,
  { record, job }: Knowledge,
): RecordUpdate {
  const state = record.state === 'unknown' ? 'live' : record.state;
  const recordUpdate = { record: withWritten({ ...record, userId, state }, namesOf(changes), job.version) };
  const { clientId: name } = changes;
  const isOwnName = update.userId === undefined && name === update.clientId;
  if (name === undefined || isOwnName) return { ...recordUpdate, clientId: before };
  // The user may have the new clientId already, from an earlier run without an answer: the old entry must still change.
  return { ...recordUpdate, clientId: before === name ? undefined : before, renamedTo: name };
}

/** The wait doubles with the job's age. */
function awaitUser(userId: string | undefined, { job, now, record }: Knowledge): Outcome {
  if (record.pending !== undefined) {
    return { status: 'wait', reason: 'the user is still being created', delayMs: PENDING_MS };
  }
  const ageMs = Math.max(0, now - job.timestamp);
  if (ageMs >= PATIENCE_MS)
    return failed('user-not-found', 'no such user, and none was created in time', userId);
  const delayMs = Math.min(Math.max(1000, ageMs), PATIENCE_MS - ageMs);
  return { status: 'wait', reason: 'no such user yet', delayMs };
}
