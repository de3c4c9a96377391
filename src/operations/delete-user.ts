/**
 * A deletion: the user that was meant, and no other, is gone afterwards, and a look-up confirmed it. At Damoov this cannot
 * be undone, so the user is looked up before anything is sent.
 */
import type { DeleteUserJob } from '../contract/job.ts';
import { type Deleted, type Failed, type Outcome, failed } from '../contract/outcome.ts';
import { isOlder, newest } from '../contract/version.ts';
import { DamoovError } from '../damoov/errors.ts';
import { type DamoovUser, sameUserId } from '../damoov/wire.ts';
import { type Effect, type OperationContext, type UserRecord, GIVEN_UP } from './context.ts';
import { deriveUserId } from './derive-user-id.ts';
import { LOOK_AGAIN_AFTER_MS, ambiguous, findByClientId, findByUserId } from './find-user.ts';
import { NOT_SEEN_YET, isAbout, nextGeneration, superseded } from './newer-knowledge.ts';
import { PATIENCE_MS } from './update-user.ts';

/** How long a look-up may lag behind a create of ours, in milliseconds. */
const LAG_MS = 15 * 60_000;

type Address = DeleteUserJob['data'];

/** Deletes the user. Where both ids are given they must belong together, or nothing is deleted. */
export async function deleteUser(
  address: Address,
  context: OperationContext,
): Promise<Effect | typeof GIVEN_UP> {
  const { record, job } = context;
  const isAboutUser = isAbout(record, address.userId);
  if (isAboutUser && isOlder(job.version, record.created))
    return { outcome: superseded('create', record.userId) };

  // Where this deletion may have been sent already, that sign-up waits for it.
  const isUnsent = record.deletingSince === undefined && record.pending !== undefined;
  if (isAboutUser && isUnsent && isOlder(job.version, record.pending)) {
    return { outcome: { status: 'wait', reason: 'a newer sign-up of the user goes on', delayMs: 5000 } };
  }
  if (address.userId === undefined && isOlder(job.version, record.fields.clientId)) {
    const message = 'the clientId has come to be another user’s since the deletion was asked for';
    return { outcome: failed('user-mismatch', message, record.userId) };
  }
  if (isAboutUser && awaitsReturn(context)) {
    return {
      outcome: { status: 'wait', reason: 'newer values: the user may have come back', delayMs: 2000 },
    };
  }

  const user = await identify(address, context);
  if (user !== undefined && 'code' in user) return { outcome: user };
  if (user !== undefined && address.clientId !== undefined && record.userId !== user.userId) {
    const claimed = await context.claim(user.userId);
    if (claimed === GIVEN_UP) return GIVEN_UP;
    if (isOlder(job.version, claimed.created)) return { outcome: superseded('create', user.userId) };
    return end(user.userId, { ...context, record: { ...claimed, userId: user.userId } }, true, user.clientId);
  }
  if (user !== undefined) return end(user.userId, context, true, user.clientId);
  const unseen = isAboutUser ? await unseenUserId(address, context) : undefined;
  if (unseen !== undefined) return end(unseen, context, false, address.clientId);
  if (isAboutUser && record.isInDoubt && context.userIdMode === 'assigned') {
    return { outcome: NOT_SEEN_YET };
  }
  const answer = await context.commitDeletion(address, 'sends nothing');
  if (answer === GIVEN_UP) return GIVEN_UP;
  if (answer !== 'go') return { outcome: stopped(answer, address.userId) };
  const outcome = nobodyLeft(address, context);
  return isAboutUser ? { outcome, learnt: { record: tombstone(record, context) } } : { outcome };
}

/**
 * A value newer than the deletion says that there may be a newer create as well, which has not come yet. It is waited for as
 * an update waits for its user; then the deletion stands, and what was written meanwhile goes with the user.
 */
function awaitsReturn({ record, job, now }: OperationContext): boolean {
  const isNewer = Object.values(record.fields).some((version) => isOlder(job.version, version));
  return isNewer && now() - job.timestamp < PATIENCE_MS;
}

/** The user that both ids, or the one given, lead to at Damoov itself; nothing remembered is believed here. */
async function identify(
  { clientId, userId }: Address,
  context: OperationContext,
): Promise<DamoovUser | undefined | Failed> {
  if (userId !== undefined) {
    const user = await findByUserId(userId, context);
    if (clientId === undefined) return user;
    if (user?.clientId === clientId) return user;
    if (user !== undefined) return failed('user-mismatch', 'this user has another clientId', userId);
    const users = await findByClientId(clientId, context);
    // A look-up that lags behind may show the user to the second question, and not to the first.
    const meant = users.find((user) => sameUserId(user.userId, userId));
    if (meant !== undefined) return meant;
    const [other] = users;
    return other && failed('user-mismatch', `the clientId belongs to user ${other.userId}`, userId);
  }
  const users = clientId === undefined ? [] : await findByClientId(clientId, context);
  return users.length > 1 ? ambiguous(users) : users[0];
}

/** A user that a look-up does not show, and that may be there all the same: its create is young, or was never answered. */
async function unseenUserId(
  { clientId, userId }: Address,
  context: OperationContext,
): Promise<string | undefined> {
  const { record, instance, userIdMode, now } = context;
  const isYoung = record.madeAt !== undefined && now() - record.madeAt < LAG_MS;
  let candidate = record.state === 'live' && isYoung ? record.userId : undefined;
  if (record.isInDoubt) {
    candidate = userId;
    if (userId === undefined && clientId !== undefined && userIdMode === 'derived') {
      candidate = deriveUserId(instance, { clientId }, nextGeneration(record));
    }
  }
  if (candidate === undefined) return undefined;
  const user = await findByUserId(candidate, context);
  // It has become another's since: not the one that was meant.
  if (user !== undefined && clientId !== undefined && user.clientId !== clientId) return undefined;
  return candidate;
}

/** Deletes this very user and confirms it. */
async function end(
  userId: string,
  context: OperationContext,
  wasSeen: boolean,
  clientId?: string,
): Promise<Effect | typeof GIVEN_UP> {
  const { client, signal, record } = context;
  const answer = await context.commitDeletion({ userId, clientId }, 'sends');
  if (answer === GIVEN_UP) return GIVEN_UP;
  if (answer !== 'go') return { outcome: stopped(answer, userId) };
  let refusal: DamoovError | undefined;
  try {
    await client.deleteUser(userId, { signal });
  } catch (error) {
    // 403 and 404 may both mean that the user is gone already; only a look-up tells.
    if (!(error instanceof DamoovError && error.operation === 'delete' && REFUSALS.has(error.kind)))
      throw error;
    refusal = error;
  }
  const executedAt = context.now();
  if (!(await isGone(userId, context))) {
    if (refusal?.kind === 'forbidden') return { outcome: failed('forbidden', refusal.message, userId) };
    return { outcome: { status: 'retry', reason: 'a look-up still finds the user' } };
  }
  const existed = wasSeen || refusal === undefined;
  const outcome = deleted(userId, { existed, executedAt, confirmedAt: context.now() });
  // One that no look-up showed is of this very sign-up, though the record may still name an earlier user of it.
  if (wasSeen && !isAbout(record, userId)) return { outcome };
  const generation = generationOf(userId, clientId, context);
  return {
    outcome,
    // The deletion counts for whoever names the user by its clientId, too.
    learnt: { record: { ...tombstone(record, context), userId, generation, state: 'deleted' }, clientId },
  };
}
/** Nobody is there: an earlier run may have seen to that, and its answer have been lost. */
function nobodyLeft({ userId }: Address, { record, now }: OperationContext): Outcome {
  const confirmedAt = now();
  const { deletingSince = 0 } = record;
  if (deletingSince === 0 || !isAbout(record, userId))
    return deleted(userId, { existed: false, confirmedAt });
  return deleted(userId ?? record.userId, { existed: true, executedAt: deletingSince, confirmedAt });
}

/** Nothing was sent, and nothing is. */
function stopped(by: 'cancelled' | 'returned' | 'held', userId: string | undefined): Outcome {
  if (by === 'cancelled') return superseded('cancellation', userId);
  if (by === 'returned') return superseded('create', userId);
  return {
    status: 'quarantine',
    gate: 'brake',
    reason: 'more deletions are due than are allowed in an hour',
  };
}

/** Which user of the sign-up this was: the record may not have heard of the create that made it. */
function generationOf(
  userId: string,
  clientId: string | undefined,
  { record, instance }: OperationContext,
): number {
  if (clientId !== undefined) {
    for (let generation = record.generation; generation <= record.generation + 2; generation += 1) {
      if (deriveUserId(instance, { clientId }, generation) === userId) return generation;
    }
  }
  return nextGeneration(record);
}

const REFUSALS: ReadonlySet<DamoovError['kind']> = new Set(['forbidden', 'not-found']);

async function isGone(userId: string, context: OperationContext): Promise<boolean> {
  for (const delayMs of LOOK_AGAIN_AFTER_MS) {
    if (delayMs > 0) await context.pause(delayMs, context.signal);
    if ((await findByUserId(userId, context)) === undefined) return true;
  }
  return false;
}

/** What is remembered of a deletion, also where there was nobody: a create that is older must not bring the user back. */
function tombstone(record: UserRecord, { job, userIdMode }: OperationContext): UserRecord {
  return {
    ...record,
    state: record.state === 'unknown' ? 'unknown' : 'deleted',
    // Where Damoov chose the id, nobody can name the user that an unanswered create may have made.
    isInDoubt: record.isInDoubt && userIdMode === 'assigned',
    madeAt: undefined,
    deleted: newest(record.deleted, job.version),
    fields: {},
  };
}

function deleted(
  userId: string | undefined,
  facts: Pick<Deleted, 'existed' | 'executedAt' | 'confirmedAt'>,
): Outcome {
  return {
    status: 'done',
    type: 'user.deleted',
    ...facts,
    verified: true,
    ...(userId !== undefined && { userId }),
  };
}
