/**
 * A deletion: the user that was meant, and no other, is gone afterwards, and a look-up confirmed it. At Damoov this cannot
 * be undone, so the user is looked up before anything is sent. Decides what comes next; sends nothing itself.
 */
import type { DeleteUserJob } from '../contract/job.ts';
import { type Deleted, type Outcome, type Wait, failed } from '../contract/outcome.ts';
import { isOlder, newest } from '../contract/version.ts';
import type { DamoovError } from '../damoov/errors.ts';
import { type DamoovUser, sameUserId } from '../damoov/wire.ts';
import type { UserRecord } from './context.ts';
import { deriveUserId, generationsOf, idsInDoubt, isDerivedFrom } from './derive-user-id.ts';
import {
  LOOK_AGAIN_AFTER_MS,
  ambiguous,
  isInReach,
  isOfInstance,
  isSameForm,
  otherInstance,
} from './find-user.ts';
import { NOT_SEEN_YET, delayWithin, isAbout, nextGeneration, superseded } from './newer-knowledge.ts';
import {
  type Fact,
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
import { PATIENCE_MS } from './update-user.ts';

type Address = DeleteUserJob['data'];

/** The user that is to be deleted. */
interface Target {
  userId: string;
  clientId: string | undefined;
}

/** Where both ids are given they must belong together, or nothing is deleted. */
export function nextDeleteStep(address: Address, known: Knowledge): Step {
  const newer = newerThanDeletion(address, known);
  if (newer !== undefined) return end({ outcome: newer });
  const target = identify(address, known);
  if (target === undefined) return nobodyThere(address, known);
  if ('do' in target) return target;
  const { userId } = target;
  if (address.clientId !== undefined && !isLocked(userId, known)) return { do: 'lock', userId };
  return deleteAndConfirm(target, known);
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
  if (user === null) return isAbout(known.record, userId) ? awaitSight(userId, undefined, known) : undefined;
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
  if (other === undefined) return awaitSight(userId, clientId, known);
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
  if (user !== undefined) return checkHidden(clientId, user, known) ?? inReach(user, known);
  for (const userId of knownIdsOf(clientId, known)) {
    const candidate = firstSight(userId, known);
    if (candidate === undefined) return look('userId', userId);
    if (candidate === null) {
      const wait = awaitSight(userId, clientId, known);
      if (wait !== undefined) return wait;
      continue;
    }
    if (!isSameForm(candidate.clientId ?? clientId, clientId)) {
      const message = `user ${userId}, who had this clientId, has another one now`;
      return end({ outcome: failed('user-mismatch', message, userId) });
    }
    return isOfInstance(candidate, known.instance)
      ? { userId, clientId }
      : end({ outcome: otherInstance(candidate, known) });
  }
  const [elsewhere] = exact;
  return elsewhere === undefined ? undefined : end({ outcome: otherInstance(elsewhere, known) });
}

/** The ids under which the user of this clientId may be there: the remembered one, and the one that we derive. */
function knownIdsOf(clientId: string, known: Knowledge): string[] {
  const { record, instance, userIdMode } = known;
  const remembered = record.userId !== undefined && record.state !== 'deleted' ? [record.userId] : [];
  const derived =
    userIdMode === 'derived' ? [deriveUserId(instance, { clientId }, nextGeneration(record))] : [];
  return [...new Set([...remembered, ...derived, ...idsInDoubt(clientId, known)])];
}

/** Besides the user that was found, a create that is young or was never answered may have made another one. */
function checkHidden(clientId: string, user: DamoovUser, known: Knowledge): Step | undefined {
  const { record } = known;
  const isLive = record.userId !== undefined && record.state === 'live';
  if (record.isInDoubt && known.userIdMode === 'assigned') {
    const pending = unconfirmed(clientId, known);
    if (pending !== undefined) return end({ outcome: pending });
  }
  const ids = [...(isLive ? [record.userId ?? ''] : []), ...idsInDoubt(clientId, known)];
  for (const userId of ids) {
    if (sameUserId(userId, user.userId) || isLocked(user.userId, known)) continue;
    const other = firstSight(userId, known);
    if (other === undefined) return look('userId', userId);
    if (other !== null && other.clientId === clientId) return end({ outcome: ambiguous([user, other]) });
    const pending = other === null ? unconfirmed(userId, known) : undefined;
    if (pending !== undefined) return end({ outcome: pending });
  }
  return undefined;
}

/** Whom the look-up has shown that came before anything was sent; later ones confirm the deletion. */
function firstSight(userId: string, known: Knowledge): DamoovUser | null | undefined {
  return seenUnder(userId, beforeSent(known));
}

function beforeSent(known: Knowledge): Knowledge {
  const sent = known.facts.findIndex(({ of }) => of === 'delete');
  return sent < 0 ? known : { ...known, facts: known.facts.slice(0, sent) };
}

function inReach(user: DamoovUser, known: Knowledge): Target | Step {
  const { userId, clientId } = user;
  return isInReach(user, known) ? { userId, clientId } : end({ outcome: otherInstance(user, known) });
}

/**
 * A look-up does not show the user, which proves nothing while its create is young, or was never answered. Nothing is sent to a
 * user that was not seen: it may bear another clientId by now.
 */
function awaitSight(userId: string, clientId: string | undefined, known: Knowledge): Step | undefined {
  const { record } = known;
  const isRemembered = record.userId === userId && record.state !== 'deleted' && record.madeAt !== undefined;
  const isAsked = clientId === undefined ? record.isInDoubt : idsInDoubt(clientId, known).includes(userId);
  const pending = isRemembered || isAsked ? unconfirmed(userId, known) : undefined;
  return pending && end({ outcome: pending });
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
  kind: 'sends' | 'sends nothing',
  known: Knowledge,
): Step | undefined {
  const answer = factsOf(known, 'authorize').at(-1)?.answer;
  if (answer === undefined) return { do: 'authorize', ids: { clientId, userId }, kind };
  return answer === 'go' ? undefined : end({ outcome: stopped(answer, userId) });
}

/** Deletes this very user and confirms it. */
function deleteAndConfirm(target: Target, known: Knowledge): Step {
  const { userId } = target;
  const permission = permissionFor(target, 'sends', known);
  if (permission !== undefined) return permission;
  const deletion = factsOf(known, 'delete').at(-1);
  if (deletion === undefined) return { do: 'delete', userId };
  const { error } = deletion;
  // 403 and 404 may both mean that the user is gone already; only a look-up tells.
  if (error !== undefined && !REFUSALS.has(error.kind)) return { do: 'fail', error };
  const looks = looksUnder(userId, after(known, deletion));
  if (looks.at(-1) === null) return gone(target, deletion, known);
  const afterMs = LOOK_AGAIN_AFTER_MS[looks.length];
  if (afterMs !== undefined) return look('userId', userId, afterMs);
  const pending = unconfirmed(userId, known);
  if (pending !== undefined) return end({ outcome: pending });
  if (error?.kind === 'forbidden') return end({ outcome: failed('forbidden', error.message, userId) });
  return end({ outcome: { status: 'retry', reason: 'a look-up still finds the user' } });
}
const REFUSALS: ReadonlySet<DamoovError['kind']> = new Set(['forbidden', 'not-found']);

type Deletion = Extract<Fact, { of: 'delete' }>;

/** No look-up shows the user any more. */
function gone(target: Target, deletion: Deletion, known: Knowledge): Step {
  const { userId, clientId } = target;
  const { record } = known;
  const { error: refusal, wasAcknowledged, at: executedAt } = deletion;
  const pending = wasAcknowledged ? undefined : unconfirmed(userId, known);
  if (pending !== undefined) return end({ outcome: pending });
  const wasSent = record.deletingSince !== undefined && record.deletingSince > 0;
  const unverified = refusal?.kind === 'forbidden' && !wasSent ? OUT_OF_SIGHT : undefined;
  const outcome = deleted(userId, { existed: true, executedAt, confirmedAt: known.now, unverified });
  if (!isAbout(record, userId)) return end({ outcome });
  const generation = generationOf(userId, clientId, known);
  // The deletion counts for every job that names the user by its clientId, too.
  const learnt = { record: { ...tombstone(known), userId, generation, state: 'deleted' as const }, clientId };
  return end({ outcome, learnt });
}

const OUT_OF_SIGHT =
  'Damoov refused the deletion (403), and no look-up shows the user any more: it may have been moved out of the sight of the admin';

/** Look-ups, and the deletion itself, may lag behind the create: that both find nobody is no proof yet. */
function unconfirmed(id: string, known: Knowledge): Wait | undefined {
  const { record, now, lagMs } = known;
  const since = Math.max(record.madeAt ?? 0, record.isInDoubt ? (record.doubtSince ?? 0) : 0);
  if (lookedAt(id, known) - since >= lagMs) return undefined;
  const reason =
    'the user was created lately, and Damoov may not know of it everywhere: its deletion cannot be confirmed yet';
  return { status: 'wait', reason, delayMs: delayWithin(lagMs, now - since) };
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

/** Which user of the sign-up this was. */
function generationOf(userId: string, clientId: string | undefined, known: Knowledge): number {
  const derived =
    clientId === undefined
      ? undefined
      : generationsOf(known.record).find((one) => deriveUserId(known.instance, { clientId }, one) === userId);
  return derived ?? nextGeneration(known.record);
}

/** What is remembered of a deletion, also where there was nobody: a create that is older must not bring the user back. */
function tombstone({ record, job, userIdMode }: Knowledge): UserRecord {
  const isUnknown = record.state === 'unknown';
  // An unanswered create, or a deletion that may have been sent, may have spent the id: the next user gets another one.
  const maySpend = isUnknown && (record.isInDoubt || (record.deletingSince ?? 0) > 0);
  return {
    ...record,
    state: isUnknown && !maySpend ? 'unknown' : 'deleted',
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
