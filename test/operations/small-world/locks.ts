/**
 * What the fleet remembers, as begin.lua and settle.lua keep it: under which name a user's record lies, who has locked it, what stays
 * of a run that was cut off.
 */
import { versionOf } from '../../../src/contract/version.ts';
import type { RecordUpdate, UserRecord } from '../../../src/operations/context.ts';
import { askedFor, deriveUserId } from '../../../src/operations/derive-user-id.ts';
import { type Entry, type Job, type State, HERE, NOW, nowOf } from './state.ts';

const INSTANCE = { id: HERE ?? '', secret: 'secret' };
const NOBODY: UserRecord = { generation: 0, state: 'unknown', isInDoubt: false, fields: {} };

export const clientName = (clientId: string) => `client ${clientId}`;
export const userName = (userId: string) => `user ${userId}`;

export function versionOfJob({ job, id }: Job, index: number) {
  return versionOf({ name: job.name, id, timestamp: NOW - 100 + index });
}

function place(state: State, name: string): string {
  return state.entries[name]?.at ?? name;
}

function exists(state: State, name: string): boolean {
  const entry = state.entries[name];
  return (
    entry !== undefined && (entry.record !== undefined || entry.owner !== undefined || entry.at !== undefined)
  );
}

function entryAt(state: State, name: string): Entry {
  return (state.entries[name] ??= {});
}

/** Locks the user of a job and begins its run; false where another has the user. */
export function begin(state: State, index: number, mode: 'derived' | 'assigned'): boolean {
  const job = state.jobs[index];
  if (job === undefined) return false;
  const { clientId, userId } = job.job.data;
  const isCreate = job.job.name === 'create-user' && clientId !== undefined;
  const isDerived = isCreate && userId === undefined && mode === 'derived';
  const client = clientId === undefined ? undefined : clientName(clientId);
  const asked = isDerived ? deriveUserId(INSTANCE, { clientId }) : isCreate ? undefined : userId;
  const user = asked === undefined ? undefined : userName(asked);
  const name = pick(state, client, user, isDerived ? undefined : asked);
  const entry = entryAt(state, name);
  if (entry.owner !== undefined) return false;
  if (isDerived && user !== undefined && user !== name && !exists(state, user))
    state.entries[user] = { at: name };
  if (isDerived && client !== undefined && client !== name && !exists(state, client)) {
    state.entries[client] = { at: name };
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
    rivals: [],
  };
  // What a run that is cut off leaves: a create that may have been sent; a deletion is noted where it is authorized.
  if (job.job.name === 'create-user') {
    const doubtAbout = [...new Set([...(known.doubtAbout ?? []), askedFor(job.job.data.userId, known)])];
    entry.record = { ...known, isInDoubt: true, doubtSince: nowOf(state), doubtAbout };
  }
  return true;
}

function pick(
  state: State,
  client: string | undefined,
  user: string | undefined,
  named: string | undefined,
): string {
  if (client === undefined) return place(state, user ?? '');
  const byClient = place(state, client);
  if (user === undefined) return byClient;
  const byUser = place(state, user);
  if (named === undefined) {
    const isOwn = byUser === user && exists(state, byUser);
    return isOwn && !exists(state, byClient) ? byUser : byClient;
  }
  if (exists(state, byUser)) return byUser;
  const known = state.entries[byClient]?.record?.userId;
  return known === named ? byClient : byUser;
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
  const found = place(state, user);
  const name = exists(state, found) ? found : run.name;
  const entry = entryAt(state, name);
  if (entry.owner !== undefined && entry.owner !== index) return undefined;
  const own = state.entries[run.name];
  const isOfAnotherName = job.job.name === 'create-user' && name !== run.name && name !== user;
  if (name !== run.name && own !== undefined) {
    if (isOfAnotherName) {
      // Two sign-ups never become one; what this run has begun is about that user.
      const { isInDoubt, doubtSince, doubtAbout } = run.record;
      own.record = { ...(own.record ?? NOBODY), isInDoubt, doubtSince, doubtAbout };
      run.also = { name: run.name, wasGiven: true };
    } else if (job.job.name === 'delete-user' && own.record?.formerUserId !== undefined) {
      // The old clientId of the user leads to no user, and stays so.
      state.entries[run.name] = { record: own.record };
    } else {
      entry.record = merged(entry.record ?? NOBODY, own.record ?? NOBODY);
      state.entries[run.name] = { at: name };
    }
  }
  entry.owner = index;
  // A user was seen with this id: an interrupted run leaves that in the record.
  if (job.job.name !== 'create-user') entry.record = { userId, ...(entry.record ?? NOBODY) };
  if (!exists(state, user) && user !== name) state.entries[user] = { at: name };
  run.name = name;
  const { isInDoubt, doubtSince, doubtAbout } = run.record;
  run.record = { ...(entry.record ?? NOBODY), isInDoubt, doubtSince, doubtAbout };
  if (isOfAnotherName) {
    const doubted = {
      ...(entry.record ?? NOBODY),
      isInDoubt: true,
      doubtSince: nowOf(state),
      doubtAbout: [userId],
    };
    run.record = { ...(entry.record ?? NOBODY) };
    entry.record = doubted;
  }
  return { isOfAnotherName };
}

function merged(to: UserRecord, from: UserRecord): UserRecord {
  return {
    ...from,
    ...Object.fromEntries(Object.entries(to).filter(([, value]) => value !== undefined)),
    generation: to.generation,
    state: to.state === 'unknown' ? from.state : to.state,
    isInDoubt: to.isInDoubt || from.isInDoubt,
    fields: { ...from.fields, ...to.fields },
  };
}

/** Locks a clientId that the user is to get; undefined where another has it. */
export function lockName(state: State, index: number, clientId: string): UserRecord | undefined {
  const run = state.jobs[index]?.run;
  const name = place(state, clientName(clientId));
  const entry = entryAt(state, name);
  if (run === undefined || (entry.owner !== undefined && entry.owner !== index)) return undefined;
  const known = entry.record ?? NOBODY;
  if (name !== run.name) {
    entry.owner = index;
    entry.record = { ...known, givenSince: known.givenSince ?? nowOf(state) };
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
  if (recordUpdate !== undefined) keep(state, run.name, recordUpdate, job, index);
  const also = run.also === undefined ? undefined : state.entries[run.also.name];
  if (also !== undefined && also.owner === index) {
    delete also.owner;
    const isOpen =
      recordUpdate?.mayHaveRenamed === true ||
      (run.also?.wasGiven === true && recordUpdate?.renamedTo === undefined);
    if (recordUpdate !== undefined && !isOpen && also.record !== undefined) {
      also.record = { ...also.record, givenSince: undefined };
    }
  }
  delete job.run;
}

function keep(
  state: State,
  name: string,
  { record, clientId, renamedTo }: RecordUpdate,
  job: Job,
  index: number,
): void {
  entryAt(state, name).record = record;
  if (record.userId === undefined) return;
  const user = userName(record.userId);
  const client = clientId === undefined ? undefined : clientName(clientId);
  if (renamedTo === undefined) {
    for (const pointer of [user, ...(client === undefined ? [] : [client])]) {
      if (pointer !== name && !exists(state, pointer)) state.entries[pointer] = { at: name };
    }
    return;
  }
  const to = renamedTo === null ? user : clientName(renamedTo);
  if (to !== name) rename(state, name, { from: name === user ? client : name, to, user }, job, index);
}

/** The user has another clientId: the old one leads to no user, and a later sign-up with it is another user. */
function rename(
  state: State,
  name: string,
  { from, to, user }: { from: string | undefined; to: string; user: string },
  job: Job,
  index: number,
): void {
  const record = state.entries[name]?.record ?? NOBODY;
  const there = place(state, to);
  const known = state.entries[there];
  const isFree =
    there === name ||
    known?.owner === index ||
    ((known?.record?.userId === undefined || known.record.state === 'deleted') && known?.owner === undefined);
  let at = name;
  if (name === user) {
    if (to !== user && isFree) state.entries[to] = { at: name };
  } else {
    at = isFree ? to : user;
    const generation = Math.max(record.generation, state.entries[at]?.record?.generation ?? 0);
    delete state.entries[name];
    state.entries[at] = { record: { ...record, generation, isInDoubt: false } };
    if (at !== user) state.entries[user] = { at };
  }
  if (from !== undefined && from !== at && (from === name || place(state, from) === name)) {
    const deleted = versionOfJob(job, index);
    const { isInDoubt, doubtSince, doubtAbout } = record;
    const doubt = isInDoubt ? { isInDoubt, doubtSince, doubtAbout } : {};
    state.entries[from] = {
      record: {
        ...NOBODY,
        generation: record.generation,
        state: 'deleted',
        deleted,
        formerUserId: record.userId,
        ...doubt,
      },
    };
  }
}
