/**
 * What the fleet remembers, as begin.lua and settle.lua keep it: under which name a user's record lies, who has locked it, what stays
 * of a run that was cut off.
 */
import { isOlder } from '../../../src/contract/version.ts';
import type { Instance, RecordUpdate, UserRecord } from '../../../src/operations/context.ts';
import { askedFor, deriveUserId } from '../../../src/operations/derive-user-id.ts';
import { NOBODY, clientName, entryAt, exists, keep, pick, placeOf, replace, userName } from './names.ts';
import { type Entry, type Job, type Run, type State, instanceOfJob, nowOf, versionOfJob } from './state.ts';

/** Locks the user of a job and begins its run; false where another has the user. */
export function begin(state: State, index: number, mode: 'derived' | 'assigned'): boolean {
  const job = state.jobs[index];
  if (job === undefined) return false;
  const { client, user, named } = namesOf(job, mode);
  const name = pick(state, { client, user, named, version: versionOfJob(job, index) });
  const entry = entryAt(state, name);
  if (entry.owner !== undefined) return false;
  if (named === undefined && client !== undefined && user !== undefined) {
    for (const other of [user, client]) {
      if (other !== name && !exists(state, other)) state.entries[other] = { at: name };
    }
  }
  entry.owner = index;
  const known = entry.record ?? NOBODY;
  job.run = {
    name,
    isAuthorized: false,
    record: known,
    facts: [],
    meant: [],
    meantThroughout: [],
    hereThroughout: [],
    rivals: [],
  };
  open(state, entry, known, job);
  return true;
}

/** The names of what a job says of its user, as pipeline.ts addresses it. */
function namesOf(job: Job, mode: 'derived' | 'assigned') {
  const { clientId, userId } = job.job.data;
  const instance = instanceOfJob(job);
  const isSignUp = job.job.name === 'create-user' && clientId !== undefined;
  const isDerived = isSignUp && userId === undefined && mode === 'derived';
  const named = isSignUp ? undefined : userId;
  const asked = isDerived ? deriveUserId(instance, { clientId }) : named;
  return {
    client: clientId === undefined ? undefined : clientName(instance, clientId),
    user: asked === undefined ? undefined : userName(asked),
    named,
  };
}

/**
 * What a run that is cut off leaves: a create or a move that may have been sent; a deletion is noted where it is authorized. The run
 * itself does not read it.
 */
function open(state: State, entry: Entry, known: UserRecord, { job }: Job): void {
  const now = nowOf(state);
  if (job.name === 'create-user') {
    const doubtAbout = [...new Set([...(known.doubtAbout ?? []), askedFor(job.data.userId, known)])];
    entry.record = { ...known, isInDoubt: true, doubtSince: now, doubtAbout };
  }
  if (job.name === 'move-user') entry.record = { ...known, movingSince: now };
}

/** From here on a run that is cut off may have deleted the user. */
export function authorize(state: State, index: number): void {
  const run = state.jobs[index]?.run;
  if (run === undefined) return;
  run.isAuthorized = true;
  const entry = entryAt(state, run.name);
  const record = entry.record ?? NOBODY;
  entry.record = { ...record, deletingSince: record.deletingSince ?? nowOf(state) };
}

/** Locks the user of an id, in place of the one that is locked; undefined where another has that one. */
export function lock(state: State, index: number, userId: string): { isOfAnotherName: boolean } | undefined {
  const job = state.jobs[index];
  const run = job?.run;
  if (job === undefined || run === undefined) return undefined;
  const user = userName(userId);
  const found = placeOf(state, user);
  const name = exists(state, found) ? found : run.name;
  const entry = entryAt(state, name);
  if (entry.owner !== undefined && entry.owner !== index) return undefined;
  const isOfAnotherName = job.job.name === 'create-user' && name !== run.name && name !== user;
  const movingSince = entry === state.entries[run.name] ? undefined : entry.record?.movingSince;
  if (name !== run.name) join(state, run, { job, entry, name, isOfAnotherName });
  entry.owner = index;
  // A user was seen with this id: an interrupted run leaves that in the record.
  if (job.job.name !== 'create-user') entry.record = { userId, ...(entry.record ?? NOBODY) };
  if (!exists(state, user) && user !== name) state.entries[user] = { at: name };
  run.name = name;
  const { isInDoubt, doubtSince, doubtAbout } = run.record;
  const record = entry.record ?? NOBODY;
  if (job.job.name === 'move-user') {
    entry.record = { ...record, movingSince: nowOf(state) };
    run.record = { ...record, movingSince: movingSince ?? run.record.movingSince };
  } else if (job.job.name === 'create-user') {
    run.record = { ...record, isInDoubt, doubtSince, doubtAbout };
  } else {
    run.record = record;
  }
  if (isOfAnotherName) {
    run.record = record;
    entry.record = { ...record, isInDoubt: true, doubtSince: nowOf(state), doubtAbout: [userId] };
  }
  return { isOfAnotherName };
}

interface Found {
  job: Job;
  entry: Entry;
  name: string;
  isOfAnotherName: boolean;
}

/** A look-up has shown the user under another name: the two records become one, or the first is unlocked. */
function join(state: State, run: Run, { job, entry, name, isOfAnotherName }: Found): void {
  const own = state.entries[run.name];
  if (own === undefined) return;
  if (isOfAnotherName) {
    // Two sign-ups never become one; what this run has begun is about that user.
    const { isInDoubt, doubtSince, doubtAbout } = run.record;
    own.record = { ...(own.record ?? NOBODY), isInDoubt, doubtSince, doubtAbout };
    run.also = { name: run.name, wasGiven: true };
  } else if (job.job.name === 'delete-user' && own.record?.formerUserId !== undefined) {
    // The old clientId of the user leads to no user, and stays so.
    replace(state, run.name, { record: own.record });
  } else {
    entry.record = merged(entry.record ?? NOBODY, own.record ?? NOBODY);
    replace(state, run.name, { at: name });
  }
}

function merged(to: UserRecord, from: UserRecord): UserRecord {
  return {
    ...from,
    ...Object.fromEntries(Object.entries(to).filter(([, value]) => value !== undefined)),
    ...newestOf(to, from),
    generation: to.generation,
    state: to.state === 'unknown' ? from.state : to.state,
    isInDoubt: to.isInDoubt || from.isInDoubt,
    fields: { ...from.fields, ...to.fields },
  };
}

function newestOf(to: UserRecord, from: UserRecord): Pick<UserRecord, 'created' | 'deleted' | 'moved'> {
  const newest = (field: 'created' | 'deleted' | 'moved') =>
    isOlder(to[field], from[field]) ? from[field] : to[field];
  return { created: newest('created'), deleted: newest('deleted'), moved: newest('moved') };
}

/** Locks a clientId that the user is to get in an instance; undefined where another has it. */
export function lockClientId(
  state: State,
  index: number,
  clientId: string,
  instance: Instance,
): UserRecord | undefined {
  const run = state.jobs[index]?.run;
  const name = placeOf(state, clientName(instance, clientId));
  const entry = entryAt(state, name);
  if (run === undefined || (entry.owner !== undefined && entry.owner !== index)) return undefined;
  const known = entry.record ?? NOBODY;
  if (name !== run.name) {
    entry.owner = index;
    entry.record = { ...known, givenSince: nowOf(state) };
    run.also = { name, wasGiven: known.givenSince !== undefined };
  }
  return known;
}

/** Unlocks what a run has locked; a run that was cut off has learned nothing. */
export function unlock(state: State, index: number, recordUpdate?: RecordUpdate): void {
  const job = state.jobs[index];
  const run = job?.run;
  if (job === undefined || run === undefined) return;
  delete entryAt(state, run.name).owner;
  if (recordUpdate !== undefined) keep(state, run.name, recordUpdate, index);
  const also = run.also === undefined ? undefined : state.entries[run.also.name];
  if (also !== undefined && also.owner === index) {
    delete also.owner;
    const isGiven = recordUpdate?.renamedTo !== undefined || recordUpdate?.movedTo !== undefined;
    const isOpen = recordUpdate?.mayHaveRenamed === true || (run.also?.wasGiven === true && !isGiven);
    if (recordUpdate !== undefined && !isOpen && also.record !== undefined) {
      also.record = { ...also.record, givenSince: undefined };
    }
  }
  delete job.run;
}
