/**
 * Moves a user to another instance, once: a look-up before each request shows whether an earlier one was carried out. Decides the next
 * step; sends nothing itself.
 */
import type { MoveUserJob } from '../contract/job.ts';
import type { Moved, Outcome, Superseded, Wait } from '../contract/outcome.ts';
import { isOlder, newest } from '../contract/version.ts';
import type { DamoovError } from '../damoov/errors.ts';
import type { DamoovUser } from '../damoov/wire.ts';
import type { Effect, Instance } from './context.ts';
import { LOOK_AGAIN_AFTER_MS, instanceOf, isRecorded } from './find-user.ts';
import { awaitBearer, checkNewName } from './new-name.ts';
import { AWAIT_SIGN_UP, delayWithin, isAbout, mayHaveLeft, superseded } from './newer-knowledge.ts';
import { type Reached, awaitUser, isMeantBy, reachUser } from './reach-user.ts';
import {
  type Fact,
  type Knowledge,
  type Step,
  after,
  end,
  factsOf,
  look,
  lookedAt,
  looksUnder,
} from './step.ts';

type Move = MoveUserJob['data'];

export function nextMoveStep(move: Move, known: Knowledge): Step {
  const step = decide(move, known);
  return step.do === 'end' ? freeName(step.effect, move, known) : step;
}

/** A move that fails or is superseded frees the clientId that an earlier run may have kept for the user in the new instance. */
function freeName(effect: Effect, { clientId, toInstance }: Move, known: Knowledge): Step {
  const { outcome, recordUpdate = { record: known.record } } = effect;
  const isOver = outcome.status === 'superseded' || outcome.status === 'failed';
  const instance = known.instances.get(toInstance);
  if (!isOver || clientId === undefined || instance === undefined) return end(effect);
  const isLocked = factsOf(known, 'lock-client-id').length > 0;
  if (!isLocked) return { do: 'lock-client-id', clientId, instance, userId: known.record.userId ?? '' };
  return end({ outcome, recordUpdate: { ...recordUpdate, movedTo: undefined } });
}

/** If both ids are given, the userId identifies the user. */
function decide(move: Move, known: Knowledge): Step {
  const { record, instances } = known;
  const to = instances.get(move.toInstance);
  if (to === undefined) throw new Error('a job for an unknown instance has ended before');
  // An earlier run may have moved the recorded user.
  const isMeant = (user: DamoovUser) =>
    isMeantBy(move, user, known) || (isRecorded(user, record) && isIn(user, to));
  // Of a move that may have been sent, a look-up shows whether it was carried out.
  const newer = record.movingSince === undefined ? newerThanMove(known) : undefined;
  const reached = reachUser(move, known, newer, isMeant);
  if ('do' in reached) return reached;
  const sent = factsOf(known, 'move').at(-1);
  return sent === undefined ? send(reached, to, move, known) : afterMove(sent, to, move, known);
}

/** A newer move counts; and a newer sign-up wants its user where it is. */
function newerThanMove({ record, job }: Knowledge): Superseded | Wait | undefined {
  if (isOlder(job.version, record.moved)) return superseded('move', record.userId);
  if (isOlder(job.version, record.created)) return superseded('create', record.userId);
  return isOlder(job.version, record.pending) ? AWAIT_SIGN_UP : undefined;
}

function send({ userId, user }: Reached, to: Instance, move: Move, known: Knowledge): Step {
  const { record, now, lagMs } = known;
  if (user === null) return end({ outcome: unseen(userId, known) });
  const { isInDoubt, doubtSince = 0 } = record;
  // An unanswered create may have made the user: until look-ups show that, the repeated create would make another one.
  if (isInDoubt && now - doubtSince < lagMs) return awaitBearer(doubtSince, known);
  const { clientId: name } = user;
  const step = name === undefined ? undefined : checkNewName(userId, name, to, known);
  const isTaken = step?.do === 'end' && step.effect.outcome.status === 'failed';
  // While look-ups may lag behind a move of ours, only an answer of Damoov proves where the user is.
  const mayBeElsewhere = mayHaveLeft(record, lookedAt(userId, known), lagMs);
  const isThere = isIn(user, to) && !mayBeElsewhere;
  const newer = record.movingSince === undefined || isThere ? undefined : newerThanMove(known);
  if (mayBeElsewhere && (isTaken || newer !== undefined)) return end({ outcome: awaitSight(0, known) });
  if (newer !== undefined) return end({ outcome: newer });
  if (!isThere) return step ?? { do: 'move', user, to };
  // Others have moved the user to an instance where another user has its clientId: jobs with the clientId mean the other user.
  if (step !== undefined && !isTaken) return step;
  const way = { from: fromInDoubt(move, known), instance: known.instance };
  return moved(user, isTaken ? way : { ...way, movedTo: to }, move, known);
}

/** No look-up shows the user, who may be new, or whom an earlier run may have moved. */
function unseen(userId: string, known: Knowledge): Outcome {
  const { lastSeenAt = 0, movingSince = 0 } = known.record;
  const ageMs = lookedAt(userId, known) - Math.max(lastSeenAt, movingSince);
  return ageMs < known.lagMs ? awaitSight(ageMs, known) : awaitUser(userId, known);
}

/** The instance of the user before an earlier run that may have moved it. */
function fromInDoubt({ userId, instance, toInstance }: Move, { record }: Knowledge): string | undefined {
  const isInDoubt = record.movingSince !== undefined && userId === undefined;
  return isInDoubt && instance !== toInstance ? instance : undefined;
}

/** The move was carried out, or refused: perhaps because an earlier one was carried out. */
function afterMove(sent: Extract<Fact, { of: 'move' }>, to: Instance, move: Move, known: Knowledge): Step {
  const { user, error } = sent;
  const isSeenThere = isIn(user, to);
  const from = isSeenThere ? fromInDoubt(move, known) : known.instanceNames.get(user.instanceId ?? '');
  const way = { from, instance: isSeenThere ? known.instance : instanceOf(user, known), movedTo: to };
  if (error === undefined) return moved(user, way, move, known);
  if (!REFUSALS.has(error.kind)) return { do: 'fail', error };
  const looks = looksUnder(user.userId, after(known, sent));
  const seen = looks.at(-1);
  if (seen && isIn(seen, to)) return moved(user, way, move, known);
  const { movingSince } = known.record;
  const pauses = movingSince === undefined ? ([0] as const) : LOOK_AGAIN_AFTER_MS;
  const afterMs = pauses[looks.length];
  if (afterMs !== undefined) return look('userId', user.userId, afterMs);
  const ageMs = lookedAt(user.userId, known) - (movingSince ?? -Infinity);
  return ageMs < known.lagMs ? end({ outcome: awaitSight(ageMs, known) }) : { do: 'fail', error };
}
const REFUSALS: ReadonlySet<DamoovError['kind']> = new Set([
  'conflict',
  'rejected',
  'not-found',
  'forbidden',
]);

function awaitSight(ageMs: number, { lagMs }: Knowledge): Wait {
  const reason = 'look-ups may lag behind the create or a move of the user: not seen yet';
  return { status: 'wait', reason, delayMs: delayWithin(lagMs, ageMs) };
}

function isIn({ instanceId }: DamoovUser, { id }: Instance): boolean {
  return instanceId === id.toLowerCase();
}

interface Way {
  /** The name of the instance in which the user was, if that is known. */
  from: string | undefined;
  /** The instance in which the user was, whose jobs have named it by its clientId. */
  instance: Instance;
  /** The instance whose jobs find it by its clientId from now on. */
  movedTo?: Instance;
}

function moved({ userId, clientId }: DamoovUser, way: Way, move: Move, known: Knowledge): Step {
  const { record, job, now } = known;
  const { from, ...names } = way;
  const outcome: Moved = {
    status: 'done',
    type: 'user.moved',
    userId,
    ...(from !== undefined && { fromInstance: from }),
    toInstance: move.toInstance,
  };
  if (!isAbout(record, userId)) return end({ outcome });
  const state = record.state === 'unknown' ? 'live' : record.state;
  const version = newest(record.moved, job.version);
  const after = { ...record, userId, state, moved: version, movedAt: now, movingSince: undefined };
  return end({ outcome, recordUpdate: { record: after, clientId, ...names } });
}
