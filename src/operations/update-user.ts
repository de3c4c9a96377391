/**
 * A profile change: the named fields have their new values afterwards, where nothing newer is known of them. An update may
 * arrive before its user does.
 */
import type { UpdateUserJob } from '../contract/job.ts';
import { type Outcome, failed } from '../contract/outcome.ts';
import { isOlder } from '../contract/version.ts';
import { DamoovError } from '../damoov/errors.ts';
import {
  type Effect,
  type Field,
  type Learnt,
  type OperationContext,
  type UserRecord,
  GIVEN_UP,
} from './context.ts';
import { ambiguous, findByClientId, findByUserId } from './find-user.ts';
import {
  AWAIT_DELETION,
  isAbout,
  isBeingDeleted,
  namesOf,
  superseded,
  withWritten,
  withoutNewer,
} from './newer-knowledge.ts';

/** How long after it was added an update waits for a create that may still come, in milliseconds. */
export const PATIENCE_MS = 5 * 60_000;

/** How long an update waits at a time while a create of its user goes on, in milliseconds. */
const PENDING_MS = 15_000;

type Update = UpdateUserJob['data'];

/** Applies the changes. Where both ids are given, the userId is the address. */
export async function updateUser(
  update: Update,
  context: OperationContext,
): Promise<Effect | typeof GIVEN_UP> {
  const { record, job } = context;
  const { clientId, userId } = update;
  // Of a user that was deleted or replaced since, the record tells nothing.
  if (userId !== undefined && !isAbout(record, userId)) {
    const user = await findByUserId(userId, context);
    if (user === undefined) return { outcome: awaitUser(userId, context) };
    return apply(update, update.changes, userId, context, user.clientId);
  }
  if (isOlder(job.version, record.deleted)) return { outcome: superseded('deletion', record.userId) };
  const changes = withoutNewer(update.changes, record, job.version);
  if (Object.keys(changes).length === 0) return { outcome: superseded('newer values', record.userId) };
  if (isBeingDeleted(record, context.now())) return { outcome: AWAIT_DELETION };
  if (record.state === 'deleted') return { outcome: awaitUser(userId, context) };
  if (record.userId !== undefined) return apply(update, changes, record.userId, context);
  // Its create is older and goes on: until that is settled there is nobody to find.
  if (isOlder(record.pending, job.version) && record.pending !== undefined) {
    return { outcome: awaitUser(userId, context) };
  }
  // An id that we have never heard of: Damoov would change it in whatever instance it is.
  if (userId !== undefined) {
    const user = await findByUserId(userId, context);
    if (user === undefined) return { outcome: awaitUser(userId, context) };
    return apply(update, changes, userId, context, user.clientId);
  }
  return clientId === undefined
    ? { outcome: awaitUser(userId, context) }
    : findAndUpdate(clientId, update, context);
}

/** Nobody has told us of the user: it may have existed before. */
async function findAndUpdate(
  clientId: string,
  update: Update,
  context: OperationContext,
): Promise<Effect | typeof GIVEN_UP> {
  const users = await findByClientId(clientId, context);
  const [user] = users;
  if (user === undefined) return { outcome: awaitUser(undefined, context) };
  if (users.length > 1) return { outcome: ambiguous(users) };
  const record = await context.claim(user.userId);
  if (record === GIVEN_UP) return GIVEN_UP;
  return updateUser(update, { ...context, record: { ...record, userId: user.userId } });
}

async function apply(
  update: Update,
  changes: Update['changes'],
  target: string,
  context: OperationContext,
  seenClientId?: string,
): Promise<Effect | typeof GIVEN_UP> {
  const { client, record, job, signal } = context;
  const { clientId, userId } = update;
  const oldClientId = await clientIdBefore(update, target, context, seenClientId);
  try {
    await client.updateUser(target, changes, { signal });
  } catch (error) {
    if (!(error instanceof DamoovError && error.operation === 'update' && error.kind === 'not-found'))
      throw error;
    if (userId !== undefined || clientId === undefined) return { outcome: awaitUser(userId, context) };
    // The remembered user is gone: ask Damoov itself, once.
    const [other] = await findByClientId(clientId, context);
    if (other === undefined || other.userId === record.userId)
      return { outcome: awaitUser(undefined, context) };
    return findAndUpdate(clientId, update, context);
  }
  const changed = namesOf(changes);
  const outcome: Outcome = { status: 'done', type: 'user.updated', userId: target, changed };
  if (!isAbout(record, target)) return { outcome };
  return { outcome, learnt: learntOf(record, target, changed, changes, oldClientId, job.version) };
}

/** The clientId that the user is about to lose: whoever signs up under it afterwards is somebody else. */
async function clientIdBefore(
  { clientId, changes }: Update,
  target: string,
  context: OperationContext,
  seen?: string,
): Promise<string | undefined> {
  const known = seen ?? clientId;
  if (known !== undefined || changes.clientId === undefined) return known;
  return (await findByUserId(target, context))?.clientId;
}

function learntOf(
  record: UserRecord,
  userId: string,
  changed: readonly Field[],
  changes: Update['changes'],
  clientId: string | undefined,
  version: OperationContext['job']['version'],
): Learnt {
  const state = record.state === 'unknown' ? 'live' : record.state;
  const learnt = { record: withWritten({ ...record, userId, state }, changed, version) };
  if (changes.clientId === undefined || changes.clientId === clientId) return { ...learnt, clientId };
  return { ...learnt, clientId, renamedTo: changes.clientId };
}

/** The wait doubles with the job's age. */
function awaitUser(userId: string | undefined, { job, now, record }: OperationContext): Outcome {
  if (record.pending !== undefined) {
    return { status: 'wait', reason: 'the user is still being created', delayMs: PENDING_MS };
  }
  const ageMs = Math.max(0, now() - job.timestamp);
  if (ageMs >= PATIENCE_MS) return failed('user-not-found', 'no such user, and none came in time', userId);
  const delayMs = Math.min(Math.max(1000, ageMs), PATIENCE_MS - ageMs);
  return { status: 'wait', reason: 'no such user yet', delayMs };
}
