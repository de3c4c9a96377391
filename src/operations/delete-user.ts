/**
 * A deletion: the user that was meant, and no other, is gone afterwards, and a look-up confirmed it. At Damoov this cannot
 * be undone, so the user is looked up before anything is sent. Decides what comes next; sends nothing itself.
 */
import type { DeleteUserJob } from '../contract/job.ts';
import { type Deleted, type Outcome, type Wait, failed } from '../contract/outcome.ts';
import { isOlder, newest } from '../contract/version.ts';
import type { DamoovError } from '../damoov/errors.ts';
import { type DamoovUser, sameUserId } from '../damoov/wire.ts';
import type { AuthorizedDelete, UserRecord } from './context.ts';
import { deriveUserId } from './derive-user-id.ts';
import {
  LOOK_AGAIN_AFTER_MS,
  ambiguous,
  isInReach,
  isOfInstance,
  isSameForm,
  otherInstance,
} from './find-user.ts';
import { NOT_SEEN_YET, isAbout, nextGeneration, superseded } from './newer-knowledge.ts';
import {
  type Knowledge,
  type Step,
  after,
  bearersOf,
  end,
  factsOf,
  look,
  looksUnder,
  seenUnder,
} from './step.ts';
import { PATIENCE_MS } from './update-user.ts';

type Address = DeleteUserJob['data'];

/** The user that is to be deleted. */
interface Target {
  userId: string;
  clientId: string | undefined;
  /** False where only the record, or the id that we derive, says that there may be one. */
  wasSeen: boolean;
}

/** Where both ids are given they must belong together, or nothing is deleted. */
export function nextDeleteStep(address: Address, known: Knowledge): Step {
  const newer = newerThanDeletion(address, known);
  if (newer !== undefined) return end({ outcome: newer });
  const target = identify(address, known);
  if (target === undefined) return nobodyThere(address, known);
  if ('do' in target) return target;
  const { userId, clientId, wasSeen } = target;
  if (wasSeen && address.clientId !== undefined && !isLocked(userId, known)) return { do: 'lock', userId };
  return deleteAndConfirm({ userId, clientId, wasSeen }, known);
}

function isLocked(userId: string, known: Knowledge): boolean {
  return known.record.userId === userId || factsOf(known, 'lock').some((lock) => lock.userId === userId);
}

/** What is known to be newer than the deletion, or may be. */
function newerThanDeletion({ userId }: Address, known: Knowledge): Outcome | undefined {
  const { record, job, now } = known;
  const [lock] = factsOf(known, 'lock');
  if (lock !== undefined) {
    return isOlder(job.version, record.created) ? superseded('create', lock.userId) : undefined;
  }
  const isAboutUser = isAbout(record, userId);
  if (isAboutUser && isOlder(job.version, record.created)) return superseded('create', record.userId);
  // Where this deletion may have been sent already, that sign-up waits for it.
  const isUnsent = record.deletingSince === undefined && record.pending !== undefined;
  if (isAboutUser && isUnsent && isOlder(job.version, record.pending)) {
    return { status: 'wait', reason: 'a newer sign-up of the user goes on', delayMs: 5000 };
  }
  if (userId === undefined && isOlder(job.version, record.fields.clientId)) {
    const message = 'the clientId has come to be another user’s since the deletion was asked for';
    return failed('user-mismatch', message, record.userId);
  }
  // A value newer than the deletion says that there may be a newer create as well, which has not come yet. It is waited for as
  // an update waits for its user; then the deletion stands, and what was written meanwhile goes with the user.
  const isNewer = Object.values(record.fields).some((version) => isOlder(job.version, version));
  if (isAboutUser && isNewer && now - job.timestamp < PATIENCE_MS) {
    return { status: 'wait', reason: 'newer values: the user may have come back', delayMs: 2000 };
  }
  return undefined;
}

/** The user that is meant; a step where that is not known yet, or cannot be; undefined where nobody is there. */
function identify(address: Address, known: Knowledge): Target | Step | undefined {
  const { clientId, userId } = address;
  if (userId === undefined) return clientId === undefined ? undefined : byClientId(clientId, known);
  return clientId === undefined ? byUserId(userId, known) : byBoth(userId, clientId, known);
}

function byUserId(userId: string, known: Knowledge): Target | Step | undefined {
  const user = firstSight(userId, known);
  if (user === undefined) return look('userId', userId);
  if (user === null) return unseen(userId, undefined, known);
  return inReach(user, known);
}

function byBoth(userId: string, clientId: string, known: Knowledge): Target | Step | undefined {
  const user = firstSight(userId, known);
  if (user === undefined) return look('userId', userId);
  if (user !== null) {
    const isOurs = isDerivedFrom(clientId, userId, known) && isSameForm(user.clientId ?? clientId, clientId);
    if (user.clientId === clientId || isOurs) return inReach(user, known);
    return end({ outcome: failed('user-mismatch', 'this user has another clientId', userId) });
  }
  const bearers = bearersOf(clientId, known);
  if (bearers === undefined) return look('clientId', clientId);
  // A look-up that lags behind may show the user to the second question, and not to the first.
  const meant = bearers.find((one) => sameUserId(one.userId, userId));
  if (meant !== undefined) return inReach(meant, known);
  const other = bearers.find((one) => one.clientId === clientId);
  if (other === undefined) return unseen(userId, clientId, known);
  return end({ outcome: failed('user-mismatch', `the clientId belongs to user ${other.userId}`, userId) });
}

/** Nothing remembered is believed while Damoov shows a user; before it is said that nobody is there, what is remembered is asked for. */
function byClientId(clientId: string, known: Knowledge): Target | Step | undefined {
  const bearers = bearersOf(clientId, known);
  if (bearers === undefined) return look('clientId', clientId);
  const exact = bearers.filter((user) => user.clientId === clientId);
  const here = exact.filter((user) => isOfInstance(user, known.instance));
  const [user] = here;
  if (here.length > 1) return end({ outcome: ambiguous(here) });
  if (user !== undefined) return inReach(user, known);
  for (const userId of knownIdsOf(clientId, known)) {
    const candidate = firstSight(userId, known);
    if (candidate === undefined) return look('userId', userId);
    if (candidate === null) {
      const target = unseen(userId, clientId, known);
      if (target !== undefined) return target;
      continue;
    }
    if (!isSameForm(candidate.clientId ?? clientId, clientId)) {
      const message = `user ${userId}, who had this clientId, has another one now`;
      return end({ outcome: failed('user-mismatch', message, userId) });
    }
    return isOfInstance(candidate, known.instance)
      ? { userId, clientId, wasSeen: true }
      : end({ outcome: otherInstance(candidate, known) });
  }
  const [elsewhere] = exact;
  return elsewhere === undefined ? undefined : end({ outcome: otherInstance(elsewhere, known) });
}

/** The ids under which the user of this clientId may be there: the remembered one, and the one that we derive. */
function knownIdsOf(clientId: string, { record, instance, userIdMode }: Knowledge): string[] {
  const ids = record.userId !== undefined && record.state !== 'deleted' ? [record.userId] : [];
  if (userIdMode === 'derived') {
    const derived = deriveUserId(instance, { clientId }, nextGeneration(record));
    if (!ids.includes(derived)) ids.push(derived);
  }
  return ids;
}

/** Whom the look-up has shown that came before anything was sent; later ones confirm the deletion. */
function firstSight(userId: string, known: Knowledge): DamoovUser | null | undefined {
  const { facts } = known;
  const sent = facts.findIndex(({ of }) => of === 'delete');
  return seenUnder(userId, sent < 0 ? known : { facts: facts.slice(0, sent) });
}

function inReach(user: DamoovUser, known: Knowledge): Target | Step {
  const { userId, clientId } = user;
  return isInReach(user, known)
    ? { userId, clientId, wasSeen: true }
    : end({ outcome: otherInstance(user, known) });
}

/** A look-up does not show the user, which proves nothing while its create is young or was never answered. */
function unseen(userId: string, clientId: string | undefined, known: Knowledge): Target | undefined {
  const { record } = known;
  const isRemembered = record.userId === userId && record.state !== 'deleted' && madeLately(record, known);
  const isAsked =
    record.isInDoubt &&
    (known.userIdMode === 'derived' || clientId === undefined || record.userId === userId);
  return isAbout(record, userId) && (isRemembered || isAsked)
    ? { userId, clientId, wasSeen: false }
    : undefined;
}

function madeLately({ madeAt }: UserRecord, { now, lagMs }: Knowledge): boolean {
  return madeAt !== undefined && now - madeAt < lagMs;
}

/** Nobody was found under what the job names. */
function nobodyThere(address: Address, known: Knowledge): Step {
  const { record, userIdMode } = known;
  const isAboutUser = isAbout(record, address.userId);
  if (isAboutUser && record.isInDoubt && userIdMode === 'assigned') return end({ outcome: NOT_SEEN_YET });
  const permission = permissionFor(address, 'sends nothing', known);
  if (permission !== undefined) return permission;
  const outcome = nobodyLeft(address, known);
  return end(isAboutUser ? { outcome, learnt: { record: tombstone(known) } } : { outcome });
}

/** The step that asks, or ends the run; undefined once the deletion may be sent. */
function permissionFor(
  { clientId, userId }: Pick<Address, 'clientId' | 'userId'>,
  kind: AuthorizedDelete,
  known: Knowledge,
): Step | undefined {
  const answer = factsOf(known, 'authorize').at(-1)?.answer;
  if (answer === undefined) return { do: 'authorize', ids: { clientId, userId }, kind };
  return answer === 'go' ? undefined : end({ outcome: stopped(answer, userId) });
}

/** Deletes this very user and confirms it. */
function deleteAndConfirm(target: Target, known: Knowledge): Step {
  const { userId } = target;
  const permission = permissionFor(target, target.wasSeen ? 'sends' : 'sends unseen', known);
  if (permission !== undefined) return permission;
  const deletion = factsOf(known, 'delete').at(-1);
  if (deletion === undefined) return { do: 'delete', userId };
  const { error } = deletion;
  // 403 and 404 may both mean that the user is gone already; only a look-up tells.
  if (error !== undefined && !REFUSALS.has(error.kind)) return { do: 'fail', error };
  const looks = looksUnder(userId, after(known, deletion));
  if (looks.at(-1) === null) return gone(target, error, deletion.at, known);
  const afterMs = LOOK_AGAIN_AFTER_MS[looks.length];
  if (afterMs !== undefined) return look('userId', userId, afterMs);
  if (error?.kind === 'forbidden') return end({ outcome: failed('forbidden', error.message, userId) });
  return end({ outcome: { status: 'retry', reason: 'a look-up still finds the user' } });
}
const REFUSALS: ReadonlySet<DamoovError['kind']> = new Set(['forbidden', 'not-found']);

/** No look-up shows the user any more. */
function gone(target: Target, refusal: DamoovError | undefined, executedAt: number, known: Knowledge): Step {
  const { userId, clientId, wasSeen } = target;
  const { record } = known;
  const pending = wasSeen ? undefined : unconfirmed(known);
  if (pending !== undefined) return end({ outcome: pending });
  const wasSent = record.deletingSince !== undefined && record.deletingSince > 0;
  const unverified = refusal?.kind === 'forbidden' && wasSeen && !wasSent ? OUT_OF_SIGHT : undefined;
  const existed = wasSeen || refusal === undefined || wasSent;
  const outcome = deleted(userId, { existed, executedAt, confirmedAt: known.now, unverified });
  // One that no look-up showed is of this very sign-up, though the record may still name an earlier user of it.
  if (wasSeen && !isAbout(record, userId)) return end({ outcome });
  const generation = generationOf(userId, clientId, known);
  // The deletion counts for every job that names the user by its clientId, too.
  const learnt = { record: { ...tombstone(known), userId, generation, state: 'deleted' as const }, clientId };
  return end({ outcome, learnt });
}

const OUT_OF_SIGHT =
  'Damoov refused the deletion (403), and no look-up shows the user any more: it may have been moved out of the sight of the admin';

/** Look-ups may lag behind the create longer than this run has looked: the deletion is confirmed later. */
function unconfirmed({ record, now, lagMs }: Knowledge): Wait | undefined {
  const since = Math.max(record.madeAt ?? 0, record.isInDoubt ? (record.doubtSince ?? 0) : 0);
  const ageMs = now - since;
  if (ageMs >= lagMs) return undefined;
  const reason =
    'the user was created lately, and no look-up has shown it yet: its deletion cannot be confirmed';
  return { status: 'wait', reason, delayMs: Math.min(Math.max(1000, ageMs), 60_000, lagMs - ageMs) };
}

/** Nobody is there: an earlier run may have seen to that, and its answer have been lost. */
function nobodyLeft({ userId }: Address, { record, now }: Knowledge): Outcome {
  const confirmedAt = now;
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

function isDerivedFrom(clientId: string, userId: string, known: Knowledge): boolean {
  return generationsOf(known).some(
    (generation) => deriveUserId(known.instance, { clientId }, generation) === userId,
  );
}

/** The generations that the user of a sign-up may be of: the record may not have heard of the create that made it. */
function generationsOf({ record: { generation } }: Knowledge): number[] {
  return [generation, generation + 1, generation + 2];
}

/** Which user of the sign-up this was. */
function generationOf(userId: string, clientId: string | undefined, known: Knowledge): number {
  const derived =
    clientId === undefined
      ? undefined
      : generationsOf(known).find((one) => deriveUserId(known.instance, { clientId }, one) === userId);
  return derived ?? nextGeneration(known.record);
}

/** What is remembered of a deletion, also where there was nobody: a create that is older must not bring the user back. */
function tombstone({ record, job, userIdMode }: Knowledge): UserRecord {
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
  { unverified, ...facts }: Pick<Deleted, 'existed' | 'executedAt' | 'confirmedAt' | 'unverified'>,
): Outcome {
  return {
    status: 'done',
    type: 'user.deleted',
    ...facts,
    verified: unverified === undefined,
    ...(unverified !== undefined && { unverified }),
    ...(userId !== undefined && { userId }),
  };
}
