/**
 * Performs the steps of an operation in order: carries out each step, adds the result to the knowledge, and asks for the next. Decides
 * nothing.
 */
import type { UserJob } from '../contract/job.ts';
import { DamoovError, type DamoovOperation } from '../damoov/errors.ts';
import { type Effect, type OperationContext, type RecordUpdate, LOCK_LOST } from '../operations/context.ts';
import { partsOf } from '../operations/create-ends.ts';
import { nextCreateStep } from '../operations/create-user.ts';
import { nextDeleteStep } from '../operations/delete-user.ts';
import { nextMoveStep } from '../operations/move-user.ts';
import { findUsers } from '../operations/find-user.ts';
import { AWAIT_RENAME, toUserChanges } from '../operations/newer-knowledge.ts';
import { type Fact, type Knowledge, type Step, factsOf } from '../operations/step.ts';
import { nextSuspensionStep } from '../operations/suspend-until.ts';
import { nextUpdateStep } from '../operations/update-user.ts';

/** No job needs nearly as many: more are a bug of ours, which must not send forever. */
export const MOST_STEPS = 100;

/** A run that an error has ended. */
export interface Failure {
  error: unknown;
  recordUpdate?: RecordUpdate;
  /** Whether a create of this run was answered with a user: it must not be sent again. */
  hasCreated: boolean;
}

/** Performs steps until the run ends; `LOCK_LOST`: another run has the job, or the job is blocked. */
export async function takeSteps(
  job: UserJob,
  context: OperationContext,
): Promise<Effect | Failure | typeof LOCK_LOST> {
  let known = knowledgeOf(context);
  for (let taken = 0; taken < MOST_STEPS; taken += 1) {
    const step = nextStep(job, known);
    if (step.do === 'end') return step.effect;
    if (step.do === 'fail') return { ...step, hasCreated: hasCreated(known) };
    const came = await perform(step, job, context).catch((error: unknown) => ({ error }));
    if (came === LOCK_LOST) return LOCK_LOST;
    if ('error' in came) return { ...came, hasCreated: hasCreated(known) };
    if ('effect' in came) return came.effect;
    known = learn(known, came, context.now());
  }
  const error = new Error(`a ${job.name} has not ended after ${MOST_STEPS} steps`);
  return { error, hasCreated: hasCreated(known) };
}

function hasCreated(known: Knowledge): boolean {
  return factsOf(known, 'create').some(({ answer }) => !(answer instanceof DamoovError));
}

/** The next step of any job. */
export function nextStep(job: UserJob, known: Knowledge): Step {
  switch (job.name) {
    case 'create-user':
      return nextCreateStep(job.data, known);
    case 'update-user':
      return nextUpdateStep(job.data, known);
    case 'delete-user':
      return known.suspension === undefined
        ? nextDeleteStep(job.data, known)
        : nextSuspensionStep(job.data, known.suspension, known);
    case 'move-user':
      return nextMoveStep(job.data, known);
  }
}

/** The knowledge of a run before its first step. */
export function knowledgeOf(context: OperationContext): Knowledge {
  const {
    job,
    suspension,
    derivedId,
    instance,
    instances,
    instanceNames,
    userIdMode,
    lagMs,
    client,
    record,
    now,
  } = context;
  const { hasAdmin } = client;
  const world = { instance, instances, instanceNames, userIdMode, lagMs, hasAdmin };
  return { job, suspension, derivedId, ...world, record, facts: [], now: now() };
}

/** Adds the result of a step to the knowledge; a newly locked user replaces the previous one. */
export function learn(known: Knowledge, { fact, record }: Shown, now: number): Knowledge {
  return { ...known, facts: [...known.facts, fact], record: record ?? known.record, now };
}

/** The result of a step: a fact, and the record of another user if the step locked one. */
export interface Shown {
  fact: Fact;
  record?: Knowledge['record'];
}

type Acting = Exclude<Step, { do: 'end' | 'fail' }>;

async function perform(
  step: Acting,
  job: UserJob,
  context: OperationContext,
): Promise<Shown | { effect: Effect } | typeof LOCK_LOST> {
  const { client, signal, now } = context;
  switch (step.do) {
    case 'find': {
      const { by, value, afterMs } = step;
      if (afterMs > 0) await context.pause(afterMs, signal);
      return { fact: { of: 'find', by, value, users: await findUsers({ by, value }, context), at: now() } };
    }
    case 'create': {
      const { userId } = step;
      const answer = await answerOf('create', () => create(job, userId, context));
      return { fact: { of: 'create', userId, answer } };
    }
    case 'update': {
      const { userId, changes } = step;
      const update = () => client.updateUser(userId, toUserChanges(changes), { signal });
      // Also an error of the session: the operation knows what it has done before.
      const error = errorOf(await update().catch(damoovErrorOf));
      return { fact: { of: 'update', userId, error } };
    }
    case 'move': {
      const { user, to } = step;
      const answer = await answerOf('move', () => client.moveUser(user.userId, to, { signal }));
      return { fact: { of: 'move', user, error: errorOf(answer) } };
    }
    case 'delete': {
      const { userId } = step;
      const answer = await answerOf('delete', () => client.deleteUser(userId, { signal }));
      const wasAcknowledged = !(answer instanceof DamoovError) && !answer.hadResultNull;
      return { fact: { of: 'delete', userId, error: errorOf(answer), wasAcknowledged, at: now() } };
    }
    case 'authorize': {
      const answer = await context.authorizeDelete(step.ids, step.kind);
      return answer === LOCK_LOST ? LOCK_LOST : { fact: { of: 'authorize', answer } };
    }
    case 'authorize-suspension': {
      const answer = await context.authorizeSuspension(step.ids, step.does, step.signedUpAt);
      return answer === LOCK_LOST ? LOCK_LOST : { fact: { of: 'authorize-suspension', answer } };
    }
    case 'lock': {
      const { userId } = step;
      const locked = await context.lock(userId);
      if (locked === LOCK_LOST) return LOCK_LOST;
      const { record, isOfAnotherName } = locked;
      return {
        fact: { of: 'lock', userId, isOfAnotherName },
        record: { ...record, userId: lockedId(record.userId, userId, job) },
      };
    }
    case 'lock-client-id':
      return lockClientId(step, context);
  }
}

async function lockClientId(
  { clientId, instance }: Extract<Step, { do: 'lock-client-id' }>,
  context: OperationContext,
): Promise<Shown | { effect: Effect } | typeof LOCK_LOST> {
  const record = await context.lockClientId(clientId, instance);
  if (record === LOCK_LOST) return LOCK_LOST;
  return record === 'blocked'
    ? { effect: { outcome: AWAIT_RENAME } }
    : { fact: { of: 'lock-client-id', clientId, record } };
}

/** The id to lock: the one that a look-up showed to an update or deletion. A create may be the first job to name the user. */
function lockedId(known: string | undefined, userId: string, { name }: UserJob): string | undefined {
  return name === 'create-user' ? known : userId;
}

function create(job: UserJob, userId: string | undefined, { client, instance, signal }: OperationContext) {
  if (job.name !== 'create-user') throw new Error('only a sign-up creates a user');
  const { createAccessToken } = job.data;
  const fields = toUserChanges(partsOf(job.data).made);
  return client.createUser(instance, { ...fields, createAccessToken, customToken: userId }, { signal });
}

/** The answer, or the error of this request; the operation decides what it means. */
async function answerOf<T>(operation: DamoovOperation, ask: () => Promise<T>): Promise<T | DamoovError> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof DamoovError && error.operation === operation) return error;
    throw error;
  }
}

function damoovErrorOf(error: unknown): DamoovError {
  if (error instanceof DamoovError) return error;
  throw error;
}

function errorOf(answer: unknown): DamoovError | undefined {
  return answer instanceof DamoovError ? answer : undefined;
}
