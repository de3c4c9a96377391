/**
 * What must never be in the small world: a second user of a sign-up, an untrue outcome, a call for a user that was not meant or without
 * its lock.
 */
import type { UserJob } from '../../../src/contract/job.ts';
import type { Deleted, Failed, Moved, Settled } from '../../../src/contract/outcome.ts';
import { isOlder } from '../../../src/contract/version.ts';
import { isSameForm } from '../../../src/operations/find-user.ts';
import { short } from './damoov.ts';
import {
  type Job,
  type RemoteUser,
  type Run,
  type State,
  INSTANCES,
  nameOfId,
  nameOfInstance,
  versionOfJob,
} from './state.ts';

/** Why the outcome of a job is untrue; undefined if it is true. */
export function lieIn(outcome: Settled, state: State, index: number): string | undefined {
  const job = state.jobs[index];
  if (job?.run === undefined) return undefined;
  if (outcome.status === 'failed') return lieOfFailure(outcome, state, index);
  if (outcome.status !== 'done') return undefined;
  if (outcome.type === 'user.deleted') return lieOfDeletion(outcome, state, job, index);
  const user = state.users.find(({ isAlive, userId }) => isAlive && userId === outcome.userId);
  if (user === undefined) return 'the user is not there';
  if (outcome.type === 'user.created') return lieOfCreate(user, job, job.run, index);
  return outcome.type === 'user.moved' ? lieOfMove(outcome, job.run) : undefined;
}

function lieOfDeletion(outcome: Deleted, state: State, job: Job, index: number): string | undefined {
  const { instance } = job.job.data;
  const deleted = state.users.find(({ userId }) => userId === outcome.userId);
  // It means the user whom a newer job has moved away, and not one to whom others have given its clientId.
  const meansMoved = deleted !== undefined && hasLeft(deleted, instance, job, index);
  const isAlive = (userId: string) => state.users.some((user) => user.isAlive && user.userId === userId);
  // A user of another instance is another user, if one of the job's own instance was deleted.
  const isElsewhere = (userId: string) =>
    outcome.userId !== undefined &&
    outcome.userId !== userId &&
    state.users.some(
      (user) => user.userId === userId && !user.isOurs && (meansMoved || !isIn(user, instance)),
    );
  const survivor = outcome.verified
    ? job.run?.meantThroughout.find((userId) => isAlive(userId) && !isElsewhere(userId))
    : undefined;
  return survivor === undefined ? undefined : `verified while ${short(survivor)} lives`;
}

function lieOfCreate(user: RemoteUser, job: Job, run: Run, index: number): string | undefined {
  const { clientId, userId } = job.job.data;
  if (clientId === undefined) return undefined;
  // What others have renamed may be believed for a while to be what we made it.
  if (user.isOurs && !isSameForm(user.clientId ?? clientId, clientId)) {
    return `the user has the clientId ${user.clientId}`;
  }
  // A create without an answer may have made it: never two users, wherever an older move has taken it.
  const mayBeOwn = userId !== undefined || run.record.isInDoubt;
  const isAnothers = !mayBeOwn && user.left !== undefined && !isOf(user, job, index);
  return isAnothers ? `the user was moved away before this sign-up` : undefined;
}

function lieOfMove({ userId, fromInstance, toInstance }: Moved, run: Run): string | undefined {
  if (fromInstance === toInstance) return 'the user did not move';
  return run.arrived?.includes(userId) === true ? undefined : 'the user was never there';
}

/** A job must not fail because its user is where a newer job of ours has moved it; and a move that was carried out has not failed. */
function lieOfFailure({ code, userId }: Failed, state: State, index: number): string | undefined {
  const job = state.jobs[index];
  if (job?.run === undefined) return undefined;
  const alive = state.users.filter((user) => user.isAlive);
  if (job.job.name === 'move-user') {
    const to = job.job.data.toInstance;
    const moved = alive.find(({ userId }) => userId === job.hasMoved);
    // An older move may have reported it. After an hour without an answer, the record may be about another user.
    // Others may have brought another user with the clientId there.
    const isRival = alive.some(
      (one) =>
        one !== moved && one.clientId === moved?.clientId && isIn(one, to) && one.of !== nameOfInstance(to),
    );
    const isReported =
      moved?.left?.instance === job.job.data.instance || job.run.record.userId !== job.hasMoved;
    if (moved !== undefined && isIn(moved, to) && !isReported && !isRival)
      return `${short(moved.userId)} was moved`;
  }
  if (code === 'other-instance' && userId !== undefined && job.run.hereThroughout.includes(userId))
    return `${short(userId)} is in the job's instance`;
  if (!LOST.has(code)) return undefined;
  const { clientId } = job.job.data;
  const { meantThroughout, movedBefore } = job.run;
  const lost = alive.find(
    (user) =>
      // Others may have moved it back.
      !isIn(user, job.job.data.instance) &&
      movedBefore?.includes(user.userId) === true &&
      meantThroughout.includes(user.userId) &&
      (clientId === undefined || isSameForm(user.clientId, clientId)),
  );
  return lost === undefined ? undefined : `${short(lost.userId)} lives where we moved it`;
}
const LOST: ReadonlySet<string> = new Set(['other-instance', 'user-not-found', 'user-mismatch']);

function isIn({ instanceId }: RemoteUser, instance: string): boolean {
  return instanceId === INSTANCES[nameOfInstance(instance)].id;
}

/** Whether a newer job of ours has moved the user away from the instance. */
function hasLeft({ left }: RemoteUser, instance: string, job: Job, index: number): boolean {
  return left?.instance === instance && isOlder(versionOfJob(job, index), left.version);
}

/** Whether a clientId in the instance of the job means this user, if the user has it. */
function isOf(user: RemoteUser, job: Job, index: number): boolean {
  const { instance } = job.job.data;
  return user.of === instance || isIn(user, instance) || hasLeft(user, instance, job, index);
}

interface Call {
  do: string;
  userId?: string | undefined;
  user?: { userId: string };
}

/** A request must reach only the intended user, and no other run may work on that user. */
export function checkedCall(next: State, state: State, index: number, step: Call): State {
  const { userId = step.user?.userId } = step;
  const job = state.jobs[index];
  if (userId === undefined || step.do === 'find' || job?.run === undefined) return next;
  const there = state.users.find((user) => user.isAlive && user.userId === userId);
  if (there !== undefined && !isMeant(userId, step.do, job.run)) {
    next.violation = `${short(userId)} was not meant`;
  }
  const [rival] = isRenamedBy(step, job, there) ? job.run.rivals.filter((one) => one !== userId) : [];
  if (rival !== undefined) next.violation = `${short(rival)} bears this clientId`;
  for (const [other, { run }] of state.jobs.entries()) {
    if (other !== index && isAtWork(run, userId)) {
      next.violation = `job ${other + 1} is at work on ${short(userId)}`;
    }
  }
  return next;
}

/** Users who have borne what the job names, and for a change the recorded one, too. */
function isMeant(userId: string, step: string, { meant, record }: Run): boolean {
  if (step === 'create' || meant.includes(userId)) return true;
  return step !== 'delete' && record.userId === userId;
}

/** Whether the user gets a clientId by this call that it does not have in its instance. */
function isRenamedBy(step: Call, { job }: Job, user: RemoteUser | undefined): boolean {
  if (step.do === 'move')
    return job.name === 'move-user' && user !== undefined && !isIn(user, job.data.toInstance);
  const name = job.name === 'update-user' ? job.data.changes.clientId : undefined;
  return step.do === 'update' && user?.clientId !== name;
}

function isAtWork(run: Run | undefined, userId: string): boolean {
  return (
    run?.facts.some(
      (fact) =>
        (fact.of === 'move' && fact.user.userId === userId) ||
        ('userId' in fact && fact.of !== 'lock' && fact.userId === userId),
    ) ?? false
  );
}

/** Tracks the intended user during a run, and looks for second users. */
export function watched(state: State): State {
  for (const [index, job] of state.jobs.entries())
    if (job.run !== undefined) track(state, job, job.run, index);
  const second = secondUser(state);
  if (second !== undefined)
    state.violation ??= `a second user of ${second.clientId}: ${short(second.userId)}`;
  return state;
}

function track(state: State, job: Job, run: Run, index: number): void {
  const { clientId, userId } = job.job.data;
  const alive = state.users.filter((user) => user.isAlive);
  const isNamed = (user: RemoteUser) =>
    userId === undefined
      ? clientId !== undefined &&
        (user.clientId === undefined
          ? user.userId === run.record.userId
          : isSameForm(user.clientId, clientId) && isOf(user, job, index))
      : user.userId === userId;
  const now = alive.filter(isNamed).map((user) => user.userId);
  const isFirst = run.facts.length === 0;
  run.meant = [...new Set([...run.meant, ...now])];
  run.meantThroughout = isFirst ? now : run.meantThroughout.filter((one) => now.includes(one));
  const here = alive.filter((user) => now.includes(user.userId) && isIn(user, job.job.data.instance));
  run.hereThroughout = here
    .map((user) => user.userId)
    .filter((one) => isFirst || run.hereThroughout.includes(one));
  run.movedBefore ??= alive
    .filter((user) => hasLeft(user, job.job.data.instance, job, index))
    .map(({ userId }) => userId);
  const rivals = rivalsFor(job.job, alive, now);
  if (rivals !== undefined) run.rivals = isFirst ? rivals : run.rivals.filter((one) => rivals.includes(one));
  if (job.job.name === 'move-user') {
    const to = job.job.data.toInstance;
    const arrived = alive.filter((user) => isIn(user, to)).map((user) => user.userId);
    run.arrived = [...new Set([...(run.arrived ?? []), ...arrived])];
  }
}

/** The users with the clientId that the user of the job is to get, in the instance where it is to get it. */
function rivalsFor(
  job: UserJob,
  alive: readonly RemoteUser[],
  meant: readonly string[],
): string[] | undefined {
  const user = alive.find(({ userId }) => meant.includes(userId));
  // Of those whom others have moved there, the clientId is one of their own instance.
  const bearers = (name: string, there: string) =>
    alive
      .filter(
        (one) => isSameForm(one.clientId, name) && one.instanceId === there && one.of === nameOfId(there),
      )
      .map(({ userId }) => userId);
  if (job.name === 'move-user') {
    const to = INSTANCES[nameOfInstance(job.data.toInstance)];
    const isThere = user === undefined || user.instanceId === to.id || user.clientId === undefined;
    return isThere ? [] : bearers(user.clientId, to.id);
  }
  const name = job.name === 'update-user' ? job.data.changes.clientId : undefined;
  if (typeof name !== 'string' || name === job.data.clientId) return undefined;
  return user === undefined ? [] : bearers(name, user.instanceId);
}

/** Of two living users of one sign-up, both made by us, the one found later. A sign-up newer than a move is another one. */
function secondUser({ users }: State): RemoteUser | undefined {
  const ours = users.filter((user) => user.isAlive && user.isOurs && user.clientId !== undefined);
  return ours.find((user, place) => ours.some((one, other) => other < place && isOneSignUp(one, user)));
}

function isOneSignUp(one: RemoteUser, other: RemoteUser): boolean {
  if (one.clientId !== other.clientId || one.cameByOthers === true || other.cameByOthers === true)
    return false;
  return one.of === other.of || wasMadeAgain(one, other) || wasMadeAgain(other, one);
}

/** Whether a sign-up older than the move of its user has made another one. */
function wasMadeAgain({ left }: RemoteUser, { of, madeBy }: RemoteUser): boolean {
  return left?.instance === of && madeBy !== undefined && isOlder(madeBy, left.version);
}
