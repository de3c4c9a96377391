/**
 * Under which names the fleet's records lie, as names.lua, records.lua and rename.lua keep them: names lead to places, and a name that a
 * user had before a move leads older jobs to it.
 */
import { type Version, isOlder } from '../../../src/contract/version.ts';
import type { Instance, RecordUpdate, UserRecord } from '../../../src/operations/context.ts';
import { type Entry, type State, instanceOfJob, nameOfId, nowOf, versionOfJob } from './state.ts';

export const NOBODY: UserRecord = { generation: 0, state: 'unknown', isInDoubt: false, fields: {} };

export const clientName = ({ id }: Pick<Instance, 'id'>, clientId: string) =>
  `client ${nameOfId(id)} ${clientId}`;
export const userName = (userId: string) => `user ${userId}`;

export function placeOf(state: State, name: string): string {
  return state.entries[name]?.at ?? name;
}

/** Where the user lies whom a job of this version means by this name. */
export function placeAt(state: State, name: string, version: Version): string {
  const movedUser = state.entries[name]?.movedUser;
  return placeOf(
    state,
    movedUser !== undefined && isOlder(version, movedUser.version) ? movedUser.user : name,
  );
}

export function exists(state: State, name: string): boolean {
  return Object.values(state.entries[name] ?? {}).some((value) => value !== undefined);
}

export function entryAt(state: State, name: string): Entry {
  return (state.entries[name] ??= {});
}

/** The name loses all but whom it meant before a move. */
export function replace(state: State, name: string, entry: Entry): void {
  const movedUser = state.entries[name]?.movedUser;
  state.entries[name] = { ...(movedUser !== undefined && { movedUser }), ...entry };
}

interface Asked {
  client: string | undefined;
  user: string | undefined;
  /** The UserId that the job names. */
  named: string | undefined;
  version: Version;
}

/** The name under which the user of a job lies. */
export function pick(state: State, { client, user, named, version }: Asked): string {
  if (client === undefined) return placeOf(state, user ?? '');
  const byClient = placeAt(state, client, version);
  if (user === undefined) return byClient;
  const byUser = placeOf(state, user);
  if (named === undefined) {
    const isOwn = byUser === user && exists(state, byUser);
    return isOwn && !exists(state, byClient) ? byUser : byClient;
  }
  if (exists(state, byUser)) return byUser;
  const known = state.entries[byClient]?.record?.userId;
  return known === named ? byClient : byUser;
}

/** What a run has learned is kept under the names that lead to its user from now on. */
export function keep(state: State, name: string, recordUpdate: RecordUpdate, index: number): void {
  const { record, clientId, renamedTo, movedTo } = recordUpdate;
  const job = state.jobs[index];
  entryAt(state, name).record = record;
  if (record.userId === undefined || job === undefined) return;
  const instance = recordUpdate.instance ?? instanceOfJob(job);
  const user = userName(record.userId);
  const client = clientId === undefined ? undefined : clientName(instance, clientId);
  if (renamedTo === undefined && movedTo === undefined) {
    for (const pointer of [user, ...(client === undefined ? [] : [client])]) {
      if (pointer !== name && !exists(state, pointer)) state.entries[pointer] = { at: name };
    }
    return;
  }
  const given = movedTo === undefined ? renamedTo : clientId;
  const to = given === undefined || given === null ? user : clientName(movedTo ?? instance, given);
  const from = name === user ? client : name;
  const version = versionOfJob(job, index);
  if (to !== name) rename(state, { name, from, to, user, version, isMove: movedTo !== undefined, index });
}

interface Renamed {
  name: string;
  from: string | undefined;
  to: string;
  user: string;
  version: Version;
  isMove: boolean;
  index: number;
}

/** The user has another name: the old one leads to no user, and a later sign-up with it is another user. */
function rename(state: State, { name, from, to, user, version, isMove, index }: Renamed): void {
  const record = state.entries[name]?.record ?? NOBODY;
  const ledHere = from !== undefined && (from === name || placeOf(state, from) === name);
  const isFree = mayLead(state, to, name, index);
  let at = name;
  if (name !== user) {
    at = isFree ? to : user;
    const generation = Math.max(record.generation, state.entries[at]?.record?.generation ?? 0);
    replace(state, at, { record: { ...record, generation, isInDoubt: false } });
    replace(state, name, {});
    if (at !== user) replace(state, user, { at });
  } else if (to !== user && isFree) {
    const generation = Math.max(record.generation, state.entries[to]?.record?.generation ?? 0);
    entryAt(state, name).record = { ...record, generation };
    replace(state, to, { at: name });
  }
  if (from === undefined || from === at || !(ledHere || isNobodys(state, from))) return;
  const { isInDoubt, doubtSince, doubtAbout, generation, userId: formerUserId } = record;
  const doubt = isInDoubt ? { isInDoubt, doubtSince, doubtAbout } : {};
  const before = ledHere ? NOBODY : (state.entries[from]?.record ?? NOBODY);
  const left: UserRecord = {
    ...before,
    generation: Math.max(generation, before.generation),
    state: 'deleted',
    deleted: version,
    formerUserId,
    givenUpAt: nowOf(state),
    ...doubt,
  };
  replace(state, from, { record: left, ...(isMove && { movedUser: { user, version } }) });
}

/** Whether no job has named a user by this name: what other runs have left open under it stays. */
function isNobodys(state: State, name: string): boolean {
  const { at, owner, record } = state.entries[name] ?? {};
  return at === undefined && owner === undefined && record?.userId === undefined;
}

/** Whether a name may lead to this run's user from now on. */
function mayLead(state: State, to: string, name: string, index: number): boolean {
  const there = placeOf(state, to);
  const known = state.entries[there];
  if (there === name || known?.owner === index) return true;
  const isNobodys = known?.record?.userId === undefined || known.record.state === 'deleted';
  return isNobodys && known?.owner === undefined;
}
