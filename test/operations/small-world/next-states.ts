/**
 * All that may happen next in a state: a job begins, a run takes its next step or is cut off, others change a user, time passes.
 */
import { type Moved, isSettled } from '../../../src/contract/outcome.ts';
import { DamoovError } from '../../../src/damoov/errors.ts';
import { classify as classifyWith } from '../../../src/lifecycle/classify.ts';
import { leaveOpen } from '../../../src/lifecycle/open-ends.ts';
import { nextStep } from '../../../src/lifecycle/take-steps.ts';
import type { Effect } from '../../../src/operations/context.ts';
import { AWAIT_RENAME } from '../../../src/operations/newer-knowledge.ts';
import type { Step } from '../../../src/operations/step.ts';
import { outageOf } from '../../../src/redis/refusal.ts';
import { type Asking, answersTo, copyOf, short } from './damoov.ts';
import { checkedCall, lieIn, watched } from './forbidden.ts';
import { knowledgeOf } from './knowledge.ts';
import { authorize, begin, lock, lockClientId, unlock } from './locks.ts';
import {
  type PlainFact,
  type Rules,
  type State,
  HERE,
  LAST_TICK,
  THERE,
  nameOfId,
  nameOfInstance,
  nowOf,
  versionOfJob,
} from './state.ts';

const classify = (error: unknown) => classifyWith(error, outageOf);

/** A run of more steps has no end. */
const MOST_FACTS = 30;

interface Next {
  told: string;
  state: State;
}

/** Every state that may come next, with what happens. */
export function* nextsOf(state: State, rules: Rules): Generator<Next> {
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
      moved.users[place] = { ...user, instanceId: to };
      yield {
        told: `others move ${short(user.userId)} ${nameOfId(to)}`,
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
    case 'authorize-suspension':
      throw new Error('no deletion of this world is deferred');
    case 'lock':
      yield locked(state, index, step.userId);
      return;
    case 'lock-client-id':
      yield lockedName(state, index, step);
      return;
    case 'find':
    case 'create':
    case 'update':
    case 'delete':
    case 'move':
      yield* called(state, index, step, rules);
  }
}

/** Locks the user that a look-up found, or ends the run if another has it. */
function locked(state: State, index: number, userId: string): Next {
  const next = copyOf(state);
  const user = lock(next, index, userId);
  if (user === undefined) {
    const blocked = copyOf(state);
    unlock(blocked, index);
    return { told: `finds ${short(userId)} locked`, state: blocked };
  }
  const job = next.jobs[index];
  if (job?.run !== undefined && job.job.name !== 'create-user') {
    job.run.record = { ...job.run.record, userId };
  }
  return { told: `locks ${short(userId)}`, state: withFact(next, index, { of: 'lock', userId, ...user }) };
}

function lockedName(
  state: State,
  index: number,
  { clientId, instance }: Extract<Step, { do: 'lock-client-id' }>,
): Next {
  const next = copyOf(state);
  const record = lockClientId(next, index, clientId, instance);
  if (record === undefined) return ended(copyOf(state), index, { outcome: AWAIT_RENAME });
  const told = `locks the clientId ${clientId} ${nameOfId(instance.id)}`;
  return { told, state: withFact(next, index, { of: 'lock-client-id', clientId, record }) };
}

/** A request to Damoov, with each of its possible answers. */
function* called(state: State, index: number, step: Asking, rules: Rules): Generator<Next> {
  for (const { told, fact, lost, state: after } of answersTo(step, state, index, rules)) {
    const next = checkedCall(copyOf(after), state, index, step);
    if (lost !== undefined) {
      const error = new DamoovError({ operation: lost.operation, kind: 'network', wasSent: true });
      yield { told, state: ended(next, index, { outcome: classify(error) }, error).state };
    } else if (fact !== undefined) {
      yield { told, state: withFact(next, index, fact) };
    }
  }
}

function withFact(state: State, index: number, fact: PlainFact): State {
  const run = state.jobs[index]?.run;
  if (run !== undefined) run.facts = [...run.facts, fact];
  if ((run?.facts.length ?? 0) > MOST_FACTS) state.violation = 'a run that has no end';
  return state;
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
    const lie = lieIn(outcome, state, index);
    if (lie !== undefined) state.violation ??= `${lie}: ${told}`;
    job.end =
      outcome.status === 'failed' ? outcome.code : outcome.status === 'done' ? outcome.type : outcome.status;
    // Where another user has its clientId, a user whom others have moved there keeps its names.
    const keepsNames = job.hasMoved === undefined && recordUpdate.movedTo === undefined;
    if (outcome.status === 'done' && outcome.type === 'user.moved' && !keepsNames) {
      settleMove(state, index, outcome);
    }
  }
  unlock(state, index, recordUpdate);
  return { told: `ends with ${told}`, state };
}

/** From now on jobs mean the user in its new instance, and older ones of its old instance still do. */
function settleMove(state: State, index: number, { userId, toInstance }: Moved): void {
  const job = state.jobs[index];
  const place = state.users.findIndex((user) => user.userId === userId);
  const user = state.users[place];
  const to = nameOfInstance(toInstance);
  if (job === undefined || user === undefined || user.of === to) return;
  const left = { instance: user.of, version: versionOfJob(job, index) };
  state.users[place] = { ...user, of: to, left, cameByOthers: job.hasMoved !== userId };
}
