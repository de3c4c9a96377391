/**
 * Damoov in the small world: all answers that it may give to a step, each with the state it leaves. A lost reply is an answer, too.
 */
import type { DamoovErrorKind } from '../../../src/damoov/errors.ts';
import type { DamoovUser } from '../../../src/damoov/wire.ts';
import { isSameForm } from '../../../src/operations/find-user.ts';
import type { Step } from '../../../src/operations/step.ts';
import { type Job, type PlainFact, type RemoteUser, type Rules, type State, HERE, nowOf } from './state.ts';

/** One way in which a step may end; `lost` ends the run with an error of the network. */
export interface Answer {
  told: string;
  state: State;
  fact?: PlainFact;
  lost?: { operation: 'create' | 'update' | 'delete' | 'find' };
}

type Asking = Extract<Step, { do: 'find' | 'create' | 'update' | 'delete' }>;

export function answersTo(step: Asking, state: State, job: Job, rules: Rules): Answer[] {
  switch (step.do) {
    case 'find':
      return looksOf(step, state, rules);
    case 'create':
      return createsOf(step.userId, state, job, rules);
    case 'update':
      return updatesOf(step, state);
    case 'delete':
      return deletionsOf(step.userId, state, rules);
  }
}

/** All users, without recent ones if look-ups lag. */
function looksOf({ by, value }: Extract<Step, { do: 'find' }>, state: State, rules: Rules): Answer[] {
  const there = state.users.filter(
    (user) => user.isAlive && (by === 'userId' ? user.userId === value : isSameForm(user.clientId, value)),
  );
  const old = there.filter(({ tick }) => tick < state.tick);
  const seen = rules.lags && old.length < there.length ? [there, old] : [there];
  return seen.map((users, index) => ({
    told: `find ${by} ${short(value)}: ${users.map(({ userId }) => short(userId)).join(', ') || 'nobody'}${index > 0 ? ' (lags)' : ''}`,
    state,
    fact: { of: 'find', by, value, users: users.map(asRead), at: nowOf(state) },
  }));
}

function asRead({ userId, clientId, instanceId }: RemoteUser): DamoovUser {
  return { userId, instanceId, ...(clientId !== undefined && { clientId }) };
}

function createsOf(userId: string | undefined, state: State, job: Job, rules: Rules): Answer[] {
  const { clientId } = job.job.data;
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
    instanceId: HERE ?? '',
    isAlive: true,
    tick: state.tick,
    isOurs: true,
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

function updatesOf({ userId, changes }: Extract<Step, { do: 'update' }>, state: State): Answer[] {
  const told = `update ${short(userId)} ${JSON.stringify(changes)}`;
  const changed = copyOf(state);
  const place = changed.users.findIndex((one) => one.userId === userId && one.isAlive);
  const user = changed.users[place];
  if (user === undefined) {
    return [{ told: `${told}: nobody`, state, fact: { of: 'update', userId, error: 'not-found' } }];
  }
  const { clientId: _old, ...nameless } = user;
  if (typeof changes.clientId === 'string') changed.users[place] = { ...user, clientId: changes.clientId };
  if (changes.clientId === null) changed.users[place] = nameless;
  return [
    { told: `${told}: done`, state: changed, fact: { of: 'update', userId, error: undefined } },
    ...lost(changed, 'update', `${told}: done`),
    ...lost(state, 'update', `${told}: not received`),
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

function lost(state: State, operation: 'create' | 'update' | 'delete', told: string): Answer[] {
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
