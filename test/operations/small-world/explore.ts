/**
 * Goes through all states of a small world, and looks in each for what must never be. A counterexample is told as the history that
 * leads to it.
 */
import { DamoovError, type DamoovErrorKind, type DamoovOperation } from '../../../src/damoov/errors.ts';
import type { Effect } from '../../../src/operations/context.ts';
import { isSettled } from '../../../src/contract/outcome.ts';
import { isSameForm } from '../../../src/operations/find-user.ts';
import { AWAIT_RENAME } from '../../../src/operations/newer-knowledge.ts';
import type { Fact, Knowledge } from '../../../src/operations/step.ts';
import { classify as classifyWith } from '../../../src/lifecycle/classify.ts';
import { outageOf } from '../../../src/redis/refusal.ts';
import { leaveOpen } from '../../../src/lifecycle/open-ends.ts';
import { nextStep } from '../../../src/lifecycle/take-steps.ts';
import { answersTo, copyOf, short } from './damoov.ts';
import { authorize, begin, lock, lockName, unlock, versionOfJob } from './locks.ts';
import { createKeys } from './state-key.ts';
import {
  type Job,
  type PlainFact,
  type Rules,
  type Run,
  type State,
  HERE,
  LAG_MS,
  LAST_TICK,
  NOW,
  THERE,
  nowOf,
} from './state.ts';

const classify = (error: unknown) => classifyWith(error, outageOf);

const INSTANCE = { id: HERE ?? '', key: 'key', secret: 'secret' };

/** A run of more steps has no end. */
const MOST_FACTS = 30;

interface Next {
  told: string;
  state: State;
}

export interface Explored {
  states: number;
  /** The history that leads to what must never be; undefined where there is none. */
  counterexample?: string;
}

/** All states that can be reached from this one. */
export function explore(first: State, rules: Rules): Explored {
  const keyOf = createKeys();
  const places = new Map<string, number>([[keyOf(first), 0]]);
  const states: (State | undefined)[] = [first];
  const cameFrom: { place: number; told: string }[] = [{ place: -1, told: '' }];
  const leadsTo: number[][] = [];
  const ticks: number[] = [];
  for (let at = 0; at < states.length; at += 1) {
    const state = states[at];
    if (state === undefined) continue;
    const nexts: number[] = [];
    for (const { told, state: next } of nextsOf(state, rules)) {
      const key = keyOf(next);
      let place = places.get(key);
      if (place === undefined) {
        place = states.length;
        places.set(key, place);
        states.push(next);
        cameFrom.push({ place: at, told });
        if (next.violation !== undefined) {
          return { states: states.length, counterexample: historyOf(place, cameFrom, next.violation) };
        }
      }
      nexts.push(place);
    }
    leadsTo.push(nexts);
    ticks.push(state.tick);
    const hasEnded = state.jobs.every(({ end }) => end !== undefined);
    // What is looked at no more need not be kept; that it has ended is.
    states[at] = hasEnded ? ENDED : undefined;
  }
  const stuck = withoutEnd(leadsTo, (place) => states[place] === ENDED, ticks);
  return {
    states: states.length,
    ...(stuck !== undefined && {
      counterexample: historyOf(stuck, cameFrom, 'from here on no way leads to an end'),
    }),
  };
}

const ENDED: State = {
  tick: 0,
  users: [],
  entries: {},
  jobs: [],
  left: { losses: 0, crashes: 0, moves: 0, renames: 0 },
};

/** A place from which no way leads to where all jobs have ended. */
function withoutEnd(
  leadsTo: readonly number[][],
  hasEnded: (place: number) => boolean,
  ticks: readonly number[],
): number | undefined {
  const comesFrom: number[][] = leadsTo.map(() => []);
  for (const [from, tos] of leadsTo.entries()) for (const to of tos) comesFrom[to]?.push(from);
  const good = new Uint8Array(leadsTo.length);
  const open = [...leadsTo.keys()].filter(hasEnded);
  for (const place of open) good[place] = 1;
  for (let place = open.pop(); place !== undefined; place = open.pop()) {
    for (const from of comesFrom[place] ?? []) {
      if (good[from] === 0) {
        good[from] = 1;
        open.push(from);
      }
    }
  }
  // In the last moments there may be no time left.
  const stuck = good.findIndex((isGood, place) => isGood === 0 && (ticks[place] ?? 0) <= 1);
  return stuck < 0 ? undefined : stuck;
}

function historyOf(
  place: number,
  cameFrom: readonly { place: number; told: string }[],
  violation: string,
): string {
  const lines = [violation];
  for (let at = place; at > 0; at = cameFrom[at]?.place ?? 0) lines.push(cameFrom[at]?.told ?? '');
  return lines.toReversed().join('\n');
}

function* nextsOf(state: State, rules: Rules): Generator<Next> {
  for (const next of movesOf(state, rules)) yield { ...next, state: watched(next.state) };
}

function* movesOf(state: State, rules: Rules): Generator<Next> {
  for (const index of state.jobs.keys()) {
    const job = state.jobs[index];
    if (job === undefined || job.end !== undefined) continue;
    const who = `job ${index + 1} (${job.job.name.replace('-user', '')})`;
    if (job.run === undefined) {
      const begun = copyOf(state);
      if (begin(begun, index, rules.mode)) yield { told: `${who} begins`, state: begun };
      continue;
    }
    for (const { told, state: next } of stepsOf(state, index, rules))
      yield { told: `${who}: ${told}`, state: next };
    if (state.left.crashes > 0) {
      const crashed = copyOf(state);
      crashed.left.crashes -= 1;
      unlock(crashed, index);
      yield { told: `${who} is cut off`, state: crashed };
    }
  }
  yield* othersOf(state);
}

/** What others do at Damoov, and that time passes. */
function* othersOf(state: State): Generator<Next> {
  for (const [place, user] of state.users.entries()) {
    if (!user.isAlive) continue;
    if (state.left.moves > 0) {
      const moved = copyOf(state);
      moved.left.moves -= 1;
      const to = user.instanceId === HERE ? THERE : HERE;
      moved.users[place] = { ...user, instanceId: to ?? '' };
      yield {
        told: `others move ${short(user.userId)} to ${to === HERE ? 'the' : 'another'} instance`,
        state: moved,
      };
    }
    for (const clientId of state.left.renames > 0 ? ['a', 'b', 'z'] : []) {
      if (clientId === user.clientId) continue;
      const renamed = copyOf(state);
      renamed.left.renames -= 1;
      renamed.users[place] = { ...user, clientId, isOurs: false };
      yield { told: `others give ${short(user.userId)} the clientId ${clientId}`, state: renamed };
    }
  }
  // A run is over long before any of these times.
  if (state.tick < LAST_TICK && state.jobs.every(({ run }) => run === undefined)) {
    const later = copyOf(state);
    later.tick += 1;
    yield { told: later.tick === 1 ? 'the lag of look-ups is over' : 'two hours pass', state: later };
  }
}

function* stepsOf(state: State, index: number, rules: Rules): Generator<Next> {
  const job = state.jobs[index];
  const run = job?.run;
  if (job === undefined || run === undefined) return;
  const step = nextStep(job.job, knowledgeOf(state, job, index, rules));
  switch (step.do) {
    case 'end':
      yield ended(copyOf(state), index, step.effect);
      return;
    case 'fail':
      yield ended(copyOf(state), index, { ...step, outcome: classify(step.error) }, step.error);
      return;
    case 'authorize': {
      const next = copyOf(state);
      if (step.kind === 'sends') authorize(next, index);
      yield {
        told: `is authorized: ${step.kind}`,
        state: withFact(next, index, { of: 'authorize', answer: 'go' }),
      };
      return;
    }
    case 'lock': {
      const next = copyOf(state);
      const { userId } = step;
      const user = lock(next, index, userId);
      if (user !== undefined) {
        const locked = next.jobs[index]?.run;
        const record = locked?.record;
        if (locked !== undefined && record !== undefined && job.job.name !== 'create-user') {
          locked.record = { ...record, userId };
        }
        yield {
          told: `locks ${short(userId)}`,
          state: withFact(next, index, { of: 'lock', userId, ...user }),
        };
      } else {
        const blocked = copyOf(state);
        unlock(blocked, index);
        yield { told: `finds ${short(userId)} locked`, state: blocked };
      }
      return;
    }
    case 'lock-name': {
      const next = copyOf(state);
      const { clientId } = step;
      const record = lockName(next, index, clientId);
      if (record === undefined) yield ended(copyOf(state), index, { outcome: AWAIT_RENAME });
      else
        yield {
          told: `locks the clientId ${clientId}`,
          state: withFact(next, index, { of: 'lock-name', clientId, record }),
        };
      return;
    }
    case 'move':
      throw new Error('no job of this world moves a user');
    case 'find':
    case 'create':
    case 'update':
    case 'delete':
      for (const answer of answersTo(step, state, job, rules)) {
        const { told, fact, lost } = answer;
        const next = checkedCall(copyOf(answer.state), state, index, step);
        if (lost !== undefined) {
          const error = new DamoovError({ operation: lost.operation, kind: 'network', wasSent: true });
          const { state } = ended(next, index, { outcome: classify(error) }, error);
          yield { told, state };
        } else if (fact !== undefined) {
          yield { told, state: withFact(next, index, fact) };
        }
      }
  }
}

function withFact(state: State, index: number, fact: PlainFact): State {
  const run = state.jobs[index]?.run;
  if (run !== undefined) run.facts = [...run.facts, fact];
  if ((run?.facts.length ?? 0) > MOST_FACTS) state.violation = 'a run that has no end';
  return state;
}

function knowledgeOf(state: State, job: Job, index: number, rules: Rules): Knowledge {
  const { run, id } = job;
  if (run === undefined) throw new Error('no run');
  const names: [string, string][] = [
    [HERE ?? '', 'here'],
    ...(rules.knowsThere ? [[THERE ?? '', 'there'] as [string, string]] : []),
  ];
  return {
    job: { id, timestamp: NOW, version: versionOfJob(job, index) },
    instance: INSTANCE,
    instances: new Map([['here', INSTANCE]]),
    instanceNames: new Map(names),
    userIdMode: rules.mode,
    lagMs: LAG_MS,
    hasAdmin: true,
    record: run.record,
    facts: run.facts.map(asFact),
    now: nowOf(state),
  };
}

const errors = new Map<string, DamoovError>();

function asFact(fact: PlainFact): Fact {
  if (fact.of === 'create') {
    const { answer } = fact;
    return { ...fact, answer: typeof answer === 'string' ? errorOf('create', answer) : answer };
  }
  if (fact.of === 'update' || fact.of === 'delete') {
    return { ...fact, error: fact.error === undefined ? undefined : errorOf(fact.of, fact.error) };
  }
  return fact;
}

function errorOf(operation: DamoovOperation, kind: DamoovErrorKind): DamoovError {
  const key = `${operation} ${kind}`;
  const known =
    errors.get(key) ??
    new DamoovError({
      operation,
      kind,
      status: 404,
      wasSent: true,
      errors: [{ key: 'CustomToken', message: 'is taken' }],
    });
  errors.set(key, known);
  return known;
}

/** The run is over: what it has learned is kept, and where its job is settled, what is said of it must be true. */
function ended(state: State, index: number, effect: Effect, error?: unknown): Next {
  const job = state.jobs[index];
  const run = job?.run;
  if (job === undefined || run === undefined) throw new Error('no run');
  const { outcome } = effect;
  const { isAuthorized } = run;
  const end = { ...effect, outcome, error, isAuthorized };
  const recordUpdate = leaveOpen(job.job, versionOfJob(job, index), run.record, end, nowOf(state));
  const told = JSON.stringify(outcome);
  if (isSettled(outcome)) {
    const lie = lieIn(outcome, state, run, job.job.data.clientId);
    if (lie !== undefined) state.violation ??= `${lie}: ${told}`;
    job.end =
      outcome.status === 'failed' ? outcome.code : outcome.status === 'done' ? outcome.type : outcome.status;
  }
  unlock(state, index, recordUpdate);
  return { told: `ends with ${told}`, state };
}

function lieIn(
  outcome: Effect['outcome'],
  state: State,
  run: Run,
  clientId: string | undefined,
): string | undefined {
  if (outcome.status !== 'done') return undefined;
  const isAlive = (userId: string) => state.users.some((user) => user.isAlive && user.userId === userId);
  if (outcome.type === 'user.deleted') {
    // A user of another instance is another user, if one of the job's own instance was deleted.
    const isElsewhere = (userId: string) =>
      outcome.userId !== undefined &&
      outcome.userId !== userId &&
      state.users.some((user) => user.userId === userId && user.instanceId === THERE && !user.isOurs);
    const survivor = outcome.verified
      ? run.meantThroughout.find((userId) => isAlive(userId) && !isElsewhere(userId))
      : undefined;
    return survivor === undefined ? undefined : `verified while ${short(survivor)} lives`;
  }
  if (!isAlive(outcome.userId)) return 'the user is not there';
  // What others have renamed may be believed for a while to be what we made it.
  const user = state.users.find(({ isOurs, userId }) => isOurs && userId === outcome.userId);
  const isAnothers =
    outcome.type === 'user.created' &&
    clientId !== undefined &&
    !isSameForm(user?.clientId ?? clientId, clientId);
  return isAnothers ? `the user has the clientId ${user?.clientId}` : undefined;
}

/** A request must reach only the intended user, and no other run may work on that user. */
function checkedCall(
  next: State,
  state: State,
  index: number,
  step: { do: string; userId?: string | undefined },
): State {
  const { userId } = step;
  const job = state.jobs[index];
  if (userId === undefined || step.do === 'find' || job?.run === undefined) return next;
  const there = state.users.find((user) => user.isAlive && user.userId === userId);
  if (step.do === 'delete' && there !== undefined && !job.run.meant.includes(userId)) {
    next.violation = `${short(userId)} was not meant`;
  }
  if (
    step.do === 'update' &&
    there !== undefined &&
    !job.run.meant.includes(userId) &&
    job.run.record.userId !== userId
  ) {
    next.violation = `${short(userId)} was not meant`;
  }
  const name = job.job.name === 'update-user' ? job.job.data.changes.clientId : undefined;
  const isRenamed = step.do === 'update' && there?.clientId !== name;
  const [rival] = isRenamed ? job.run.rivals.filter((one) => one !== userId) : [];
  if (rival !== undefined) next.violation = `${short(rival)} bears this clientId`;
  for (const [other, { run }] of state.jobs.entries()) {
    const isAtWork =
      run?.facts.some((fact) => 'userId' in fact && fact.of !== 'lock' && fact.userId === userId) ?? false;
    if (other !== index && isAtWork) next.violation = `job ${other + 1} is at work on ${short(userId)}`;
  }
  return next;
}

/** Tracks the intended user during a run, and looks for second users. */
function watched(state: State): State {
  for (const { job, run } of state.jobs) {
    if (run === undefined) continue;
    const { clientId, userId } = job.data;
    const alive = state.users.filter((user) => user.isAlive);
    const bears = (name: string) =>
      alive.filter((user) => isSameForm(user.clientId, name)).map((user) => user.userId);
    const nameless = alive.filter((user) => user.clientId === undefined && user.userId === run.record.userId);
    const named = clientId === undefined ? [] : [...bears(clientId), ...nameless.map((user) => user.userId)];
    const now = userId === undefined ? named : alive.some((user) => user.userId === userId) ? [userId] : [];
    const isFirst = run.facts.length === 0;
    run.meant = [...new Set([...run.meant, ...now])];
    run.meantThroughout = isFirst ? now : run.meantThroughout.filter((one) => now.includes(one));
    const name = job.name === 'update-user' ? job.data.changes.clientId : undefined;
    if (typeof name === 'string' && name !== clientId) {
      const here = bears(name).filter((id) =>
        alive.some((user) => user.userId === id && user.instanceId === HERE),
      );
      run.rivals = isFirst ? here : run.rivals.filter((one) => here.includes(one));
    }
  }
  const ours = state.users.filter((user) => user.isAlive && user.isOurs && user.clientId !== undefined);
  const second = ours.find((user, place) => ours.findIndex((one) => one.clientId === user.clientId) < place);
  if (second !== undefined)
    state.violation ??= `a second user of ${second.clientId}: ${short(second.userId)}`;
  return state;
}
