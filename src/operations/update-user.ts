/**
 * Writes the named fields, except those with a newer known value. An update may arrive before its user exists. Decides the next step;
 * sends nothing itself.
 */
import type { UpdateUserJob } from '../contract/job.ts';
import type { Outcome, Wait } from '../contract/outcome.ts';
import { type DamoovUser, sameUserId } from '../damoov/wire.ts';
import { isOlder } from '../contract/version.ts';
import type { Instance, RecordUpdate } from './context.ts';
import { instanceOf, isNotFound, isOfInstance } from './find-user.ts';
import { checkNewName } from './new-name.ts';
import {
  AWAIT_MOVE,
  type Changes,
  changesOf,
  isAbout,
  isBeingMoved,
  namesOf,
  superseded,
  withWritten,
  withoutNewer,
} from './newer-knowledge.ts';
import { type Reached, awaitLaggingMove, awaitUser, findBearer, isMeantBy, reachUser } from './reach-user.ts';
import { type Knowledge, type Step, after, bearersOf, end, factsOf, look, seenUnder } from './step.ts';

type Update = UpdateUserJob['data'];

/** If both ids are given, the userId identifies the user. */
export function nextUpdateStep(update: Update, known: Knowledge): Step {
  const { record } = known;
  const wanted = changesOf(update.changes);
  // The record does not describe a user that was deleted or replaced since.
  const isRecorded = isAbout(record, update.userId);
  const changes = isRecorded ? withoutNewerOf(wanted, known) : wanted;
  const newer = Object.keys(changes).length === 0 ? superseded('newer values', record.userId) : undefined;
  const reached = reachUser(update, known, newer, (user) => isMeantBy(update, user, known));
  if ('do' in reached) return reached;
  return apply(reached, update, changes, known);
}

/**
 * Leaves out values that are older than the record's. A suspension by a deferred deletion does not outdate a requested one: if the
 * deletion is cancelled, the user must stay suspended.
 */
function withoutNewerOf(wanted: Changes, { record, job }: Knowledge): Changes {
  const changes = withoutNewer(wanted, record, job.version);
  const isOfDeletion = record.suspendedBy !== undefined && record.suspendedBy !== 'request';
  return isOfDeletion && wanted.status === 'deactivated' ? { ...changes, status: wanted.status } : changes;
}

function apply({ userId, user }: Reached, update: Update, changes: Changes, known: Knowledge): Step {
  const sent = factsOf(known, 'update').findLast((fact) => fact.userId === userId);
  const isRecorded = known.record.userId !== undefined && isAbout(known.record, update.userId);
  const before = clientIdBefore(userId, update, known, isRecorded ? undefined : user);
  const instance = instanceOf(user, known);
  if (before === null) return look('userId', userId);
  if (sent === undefined) {
    const { clientId: name } = changes;
    const isNew = typeof name === 'string' && name !== before;
    const moving = isNew ? awaitInstance(user, update, known) : undefined;
    if (moving !== undefined) return end({ outcome: moving });
    const taken = isNew ? checkNewName(userId, name, instance, known) : undefined;
    return taken ?? { do: 'update', userId, changes };
  }
  if (sent.error !== undefined) {
    if (!isNotFound(sent.error)) return { do: 'fail', error: sent.error };
    return userGone(userId, update, after(known, sent));
  }
  const changed = namesOf(changes);
  const outcome: Outcome = { status: 'done', type: 'user.updated', userId, changed };
  if (!isAbout(known.record, userId)) return end({ outcome });
  return end({
    outcome,
    recordUpdate: {
      ...recordUpdateOf(userId, changes, before, update, known),
      ...elsewhere(instance, known),
    },
  });
}

/** A look-up may lag behind a move: the new clientId would be one of the wrong instance. */
function awaitInstance(user: DamoovUser | null, update: Update, known: Knowledge): Wait | undefined {
  const { record, job, now, instance } = known;
  if (isBeingMoved(record, now)) return AWAIT_MOVE;
  // By its clientId, a job older than the move means a user who has left the job's instance.
  const isSeenWhereItWas =
    user === null ||
    update.userId !== undefined ||
    isOfInstance(user, instance) === isOlder(job.version, record.moved);
  return isSeenWhereItWas ? awaitLaggingMove(known) : undefined;
}

/** A record update says in which instance the user is only if that is not the job's. */
function elsewhere(instance: Instance, known: Knowledge): Pick<RecordUpdate, 'instance'> {
  return instance === known.instance ? {} : { instance };
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
  user: DamoovUser | null | undefined,
): string | undefined | null {
  // The userId identifies the user, so the clientId beside it may belong to any user.
  const before = user?.clientId ?? (named === undefined ? clientId : undefined);
  if (before !== undefined || changes.clientId === undefined) return before;
  const seen = user ?? seenUnder(userId, known);
  return seen === undefined ? null : seen?.clientId;
}

function recordUpdateOf(
  userId: string,
  changes: Changes,
  before: string | undefined,
  update: Update,
  { record, job, now }: Knowledge,
): RecordUpdate {
  const state = record.state === 'unknown' ? 'live' : record.state;
  const { status } = changes;
  const suspendedBy = status === undefined ? record.suspendedBy : status === 'active' ? undefined : 'request';
  const statusAt = status === undefined ? record.statusAt : now;
  const user = { ...record, userId, state, suspendedBy, statusAt };
  const recordUpdate = { record: withWritten(user, namesOf(changes), job.version) };
  const { clientId: name } = changes;
  const isOwnName = update.userId === undefined && name === update.clientId;
  if (name === undefined || isOwnName) return { ...recordUpdate, clientId: before };
  // The user may have the new clientId already, from an earlier run without an answer: the old entry must still change.
  return { ...recordUpdate, clientId: before === name ? undefined : before, renamedTo: name };
}
