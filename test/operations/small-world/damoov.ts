/**
 * Damoov in the small world: all answers that it may give to a step, each with the state it leaves. A lost reply is an answer, too.
 */
import type { DamoovErrorKind } from '../../../src/damoov/errors.ts';
import type { DamoovUser } from '../../../src/damoov/wire.ts';
import { isSameForm } from '../../../src/operations/find-user.ts';
import type { Step } from '../../../src/operations/step.ts';
import {
  type Job,
  type PlainFact,
  type RemoteUser,
  type Rules,
  type State,
  instanceOfJob,
  nameOfId,
  nameOfInstance,
  nowOf,
  versionOfJob,
} from './state.ts';

/** One way in which a step may end; `lost` ends the run with an error of the network. */
export interface Answer {
  told: string;
  state: State;
  fact?: PlainFact;
  lost?: { operation: Changing };
}

type Changing = 'create' | 'update' | 'delete' | 'move';

export type Asking = Extract<Step, { do: 'find' | Changing }>;

export function answersTo(step: Asking, state: State, index: number, rules: Rules): Answer[] {
  switch (step.do) {
    case 'find':
      return looksOf(step, state, rules);
    case 'create':
      return createsOf(step.userId, state, index, rules);
    case 'update':
      return updatesOf(step, state, index);
    case 'move':
      return relocationsOf(step, state, index, rules);
    case 'delete':
      return deletionsOf(step.userId, state, rules);
  }
}

/** All users; if look-ups lag, without recent ones and where they were before a recent move. */
function looksOf({ by, value }: Extract<Step, { do: 'find' }>, state: State, rules: Rules): Answer[] {
  const there = state.users.filter(
    (user) => user.isAlive && (by === 'userId' ? user.userId === value : isSameForm(user.clientId, value)),
  );
  const old = there.filter(({ tick }) => tick < state.tick).map((user) => asBefore(user, state));
  const isOld = old.length === there.length && old.every((user) => there.includes(user));
  const seen = rules.lags && !isOld ? [there, old] : [there];
  return seen.map((users, index) => ({
    told: `find ${by} ${short(value)}: ${users.map(({ userId }) => short(userId)).join(', ') || 'nobody'}${index > 0 ? ' (lags)' : ''}`,
    state,
    fact: { of: 'find', by, value, users: users.map(asRead), at: nowOf(state) },
  }));
}

function asBefore(user: RemoteUser, { tick }: State): RemoteUser {
  return user.was?.tick === tick ? { ...user, instanceId: user.was.instanceId } : user;
}

function asRead({ userId, clientId, instanceId }: RemoteUser): DamoovUser {
  return { userId, instanceId, ...(clientId !== undefined && { clientId }) };
}

function createsOf(userId: string | undefined, state: State, index: number, rules: Rules): Answer[] {
  const job = jobAt(state, index);
  const { clientId, instance } = job.job.data;
  const taken = userId === undefined ? undefined : state.users.find((user) => user.userId === userId);
  const asked = userId ?? 'chosen by Damoov';
  const told = `create ${short(asked)}`;
  if (taken !== undefined) {
    const answer = rules.duplicate === 'same' ? created(asked) : refused(rules);
    return [
      { told: `${told}: is taken`, state, fact: { of: 'create', userId, answer } },
      ...lost(state, 'create', `${told}: is taken`),
    ];
  }
  const id = userId ?? `cccccccc-0000-4000-8000-00000000000${state.users.length}`;
  const made = copyOf(state);
  const user: RemoteUser = {
    userId: id,
    ...(clientId !== undefined && { clientId }),
    instanceId: instanceOfJob(job).id,
    isAlive: true,
    tick: state.tick,
    isOurs: true,
    of: nameOfInstance(instance),
    madeBy: versionOfJob(job, index),
  };
  made.users.push(user);
  return [
    { told: `${told}: made`, state: made, fact: { of: 'create', userId, answer: created(id) } },
    ...lost(made, 'create', `${told}: made`),
    ...lost(state, 'create', `${told}: not received`),
  ];
}

function created(userId: string) {
  return { userId, deviceToken: userId, status: 200 };
}

function refused({ duplicate }: Rules): DamoovErrorKind {
  return duplicate === 'rejected' ? 'rejected' : 'conflict';
}

function updatesOf(
  { userId, changes }: Extract<Step, { do: 'update' }>,
  state: State,
  index: number,
): Answer[] {
  const told = `update ${short(userId)} ${JSON.stringify(changes)}`;
  const changed = copyOf(state);
  const place = changed.users.findIndex((one) => one.userId === userId && one.isAlive);
  const user = changed.users[place];
  if (user === undefined) {
    return [{ told: `${told}: nobody`, state, fact: { of: 'update', userId, error: 'not-found' } }];
  }
  const { clientId: _old, ...nameless } = user;
  // A clientId is one of the instance in which the run has seen the user, wherever others move it.
  const seen = seenBy(state, index, userId)?.instanceId ?? user.instanceId;
  const of = user.clientId === changes.clientId ? user.of : nameOfId(seen);
  if (typeof changes.clientId === 'string')
    changed.users[place] = { ...user, clientId: changes.clientId, of };
  if (changes.clientId === null) changed.users[place] = nameless;
  return [
    { told: `${told}: done`, state: changed, fact: { of: 'update', userId, error: undefined } },
    ...lost(changed, 'update', `${told}: done`),
    ...lost(state, 'update', `${told}: not received`),
  ];
}

/** The user in the latest look-up of a run that shows it. */
function seenBy(state: State, index: number, userId: string): DamoovUser | undefined {
  const looks = jobAt(state, index).run?.facts.flatMap((fact) => (fact.of === 'find' ? fact.users : []));
  return looks?.findLast((user) => user.userId === userId);
}

function jobAt(state: State, index: number): Job {
  const job = state.jobs[index];
  if (job === undefined) throw new Error('no job');
  return job;
}

function relocationsOf(
  { user: { userId, ...seen }, to }: Extract<Step, { do: 'move' }>,
  state: State,
  index: number,
  rules: Rules,
): Answer[] {
  const told = `move ${short(userId)} to ${nameOfId(to.id)}`;
  const answered = (error: DamoovErrorKind | undefined): PlainFact => ({
    of: 'move',
    user: { userId, ...seen },
    error,
  });
  const moved = copyOf(state);
  const place = moved.users.findIndex((one) => one.userId === userId && one.isAlive);
  const user = moved.users[place];
  const missed: Answer = { told: `${told}: nobody`, state, fact: answered('not-found') };
  if (user === undefined) return [missed];
  if (user.instanceId === to.id) {
    const error = rules.repeatedMove === 'done' ? undefined : rules.repeatedMove;
    return [
      { told: `${told}: is there`, state, fact: answered(error) },
      ...lost(state, 'move', `${told}: is there`),
    ];
  }
  const was = { instanceId: user.instanceId, tick: state.tick };
  moved.users[place] = { ...user, instanceId: to.id, was };
  jobAt(moved, index).hasMoved = userId;
  return [
    { told: `${told}: done`, state: moved, fact: answered(undefined) },
    ...lost(moved, 'move', `${told}: done`),
    ...lost(state, 'move', `${told}: not received`),
    ...(rules.lags && user.tick === state.tick ? [{ ...missed, told: `${told}: nobody (lags)` }] : []),
  ];
}

function deletionsOf(userId: string, state: State, rules: Rules): Answer[] {
  const told = `delete ${short(userId)}`;
  const at = nowOf(state);
  const gone = copyOf(state);
  const place = gone.users.findIndex((one) => one.userId === userId && one.isAlive);
  const user = gone.users[place];
  // Within the lag even a deletion may not find who was created lately.
  const error = rules.unknownDelete === 'ok' ? undefined : rules.unknownDelete;
  const missed: Answer = {
    told: `${told}: nobody`,
    state,
    fact: { of: 'delete', userId, error, wasAcknowledged: false, at },
  };
  if (user === undefined) return [missed];
  gone.users[place] = { ...user, isAlive: false };
  return [
    {
      told: `${told}: done`,
      state: gone,
      fact: { of: 'delete', userId, error: undefined, wasAcknowledged: true, at },
    },
    ...lost(gone, 'delete', `${told}: done`),
    ...lost(state, 'delete', `${told}: not received`),
    ...(rules.lags && user.tick === state.tick ? [{ ...missed, told: `${told}: nobody (lags)` }] : []),
  ];
}

function lost(state: State, operation: Changing, told: string): Answer[] {
  if (state.left.losses === 0) return [];
  const after = copyOf(state);
  after.left.losses -= 1;
  return [{ told: `${told}, reply lost`, state: after, lost: { operation } }];
}

/** Users, records and facts are never changed, only replaced: they are shared. */
export function copyOf(state: State): State {
  const entries = Object.entries(state.entries).map(([name, entry]) => [name, { ...entry }] as const);
  return {
    ...state,
    users: [...state.users],
    entries: Object.fromEntries(entries),
    jobs: state.jobs.map((job) => (job.run === undefined ? { ...job } : { ...job, run: { ...job.run } })),
    left: { ...state.left },
  };
}

export function short(id: string): string {
  return id.slice(0, 8);
}
