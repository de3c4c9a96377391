/**
 * Compares a job with newer versions in the record, and adds the job's effect to the record. Pure functions.
 */
import type { UpdateUserJob } from '../contract/job.ts';
import type { Retry, Superseded, Wait } from '../contract/outcome.ts';
import { type Version, isOlder, newest } from '../contract/version.ts';
import { type Settings, SETTINGS } from '../contract/fields.ts';
import type { UserChanges } from '../damoov/user-fields.ts';
import { type DamoovUser, sameUserId } from '../damoov/wire.ts';
import { type Field, type SettingField, type UserRecord, FIELDS, settingField } from './context.ts';

/** What is to be written of a user: one value a field. */
export type Changes = Omit<UpdateUserJob['data']['changes'], 'settings'> & {
  [name in SettingField]?: boolean | undefined;
};

/** Each setting becomes a field of its own. */
export function changesOf({ settings = {}, ...changes }: Partial<UpdateUserJob['data']['changes']>): Changes {
  const all: Changes = { ...changes };
  for (const setting of SETTINGS) {
    if (settings[setting] !== undefined) all[settingField(setting)] = settings[setting];
  }
  return all;
}

/** The same as Damoov's client takes it. */
export function toUserChanges(changes: Changes): UserChanges {
  const given = SETTINGS.filter((setting) => changes[settingField(setting)] !== undefined);
  if (given.length === 0) return changes;
  const others: Changes & { settings: Settings } = { ...changes, settings: {} };
  for (const setting of given) {
    others.settings[setting] = changes[settingField(setting)];
    delete others[settingField(setting)];
  }
  return others;
}

/** What the user was seen to have in a field. */
export function valueIn(user: DamoovUser | undefined, name: Field): unknown {
  return user && changesOf(user)[name];
}

/** The outcome of a job with no effect left. */
export function superseded(by: string, userId?: string): Superseded {
  return { status: 'superseded', by, ...(userId !== undefined && { userId }) };
}

/** The user of the clientId was deleted since, or has another one or is in another instance. */
export function supersededByEnd({ formerUserId, userId }: UserRecord): Superseded {
  return superseded(formerUserId === undefined ? 'deletion' : 'rename', userId);
}

/** The given values without a known newer write. */
export function withoutNewer(changes: Changes, { fields }: UserRecord, version: Version): Changes {
  const left = { ...changes };
  for (const field of FIELDS) {
    if (left[field] === undefined || isOlder(version, fields[field])) delete left[field];
  }
  return left;
}

/** The names of the given fields, cleared ones included. */
export function namesOf(changes: Changes): Field[] {
  return FIELDS.filter((field) => changes[field] !== undefined);
}

/** The part of a record about written fields, before any is written. */
export const NOTHING_WRITTEN: Pick<UserRecord, 'fields' | 'suspendedBy' | 'statusAt'> = {
  fields: {},
  suspendedBy: undefined,
  statusAt: undefined,
};

/** The record after these fields were written. */
export function withWritten(record: UserRecord, names: readonly Field[], version: Version): UserRecord {
  const fields = { ...record.fields };
  for (const name of names) fields[name] = newest(fields[name], version);
  return { ...record, fields };
}

/** Whether the record describes the user the job names, not an earlier or later one of the same sign-up. */
export function isAbout(record: UserRecord, userId: string | undefined): boolean {
  return userId === undefined || record.userId === undefined || sameUserId(record.userId, userId);
}

/** Maximum time for which an interrupted deletion blocks other jobs, in milliseconds: its own job runs again sooner. */
const LONGEST_DELETION_MS = 3_600_000;

/** Whether the user may be gone: a deletion was sent, and its job is not settled. */
export function isBeingDeleted({ deletingSince }: UserRecord, nowMs: number): boolean {
  return deletingSince !== undefined && nowMs - deletingSince < LONGEST_DELETION_MS;
}

/** Maximum time for which an interrupted rename blocks sign-ups with its new clientId, in milliseconds. */
const LONGEST_RENAME_MS = 3_600_000;

/** Whether the clientId may belong to another user: a rename to it was sent, and its job is not settled. */
export function isBeingGiven({ givenSince }: UserRecord, nowMs: number): boolean {
  return givenSince !== undefined && nowMs - givenSince < LONGEST_RENAME_MS;
}

/** Maximum time for which an interrupted move blocks jobs that name the user in its old instance, in milliseconds. */
const LONGEST_MOVE_MS = 3_600_000;

/** Whether the user may be in another instance: a move was sent, and its job is not settled. No move is sent of a user that is not known. */
export function isBeingMoved({ userId, movingSince }: UserRecord, nowMs: number): boolean {
  return userId !== undefined && movingSince !== undefined && nowMs - movingSince < LONGEST_MOVE_MS;
}

/** Whether a look-up may still show the user where it was before a move of ours. */
export function mayHaveLeft({ movedAt, movingSince }: UserRecord, nowMs: number, lagMs: number): boolean {
  return nowMs - Math.max(movedAt ?? -Infinity, movingSince ?? -Infinity) < lagMs;
}

export const AWAIT_MOVE: Wait = {
  status: 'wait',
  reason: 'a move of the user to another instance is not settled yet',
  delayMs: 1000,
};

/** An older job must not take the user of a sign-up that is still being carried out. */
export const AWAIT_SIGN_UP: Wait = {
  status: 'wait',
  reason: 'a newer sign-up of the user is not settled yet',
  delayMs: 5000,
};

export const AWAIT_RENAME: Wait = {
  status: 'wait',
  reason: 'another user may be getting this clientId',
  delayMs: 1000,
};

export const AWAIT_DELETION: Wait = {
  status: 'wait',
  reason: 'a deletion of the user is not settled yet',
  delayMs: 1000,
};

/** Look-ups lag, or there is no such user: wait and look again. */
export const NOT_SEEN_YET: Retry = {
  status: 'retry',
  reason: 'an unanswered create may have made the user: not seen yet',
};

/** The delay before the next look-up while look-ups may lag, in milliseconds: it grows with the age of the doubt. */
export function delayWithin(lagMs: number, ageMs: number): number {
  return Math.max(1, Math.min(Math.max(1000, ageMs), 60_000, lagMs - ageMs));
}

/** The generation of the user that a create would make now. */
export function nextGeneration({ state, generation }: UserRecord): number {
  return state === 'deleted' ? generation + 1 : generation;
}
