/**
 * What settle.lua is told to change in a record, from what a run learnt. Knows which names lead to a user, not what they
 * are worth.
 */
import { type Version, isOlder } from '../contract/version.ts';
import type { Instance, Learnt } from '../operations/context.ts';
import { fieldsOf } from './record-fields.ts';
import { hashOf } from './user-hash.ts';

export interface Change {
  set: string[];
  drop: string[];
  /** Names that lead to this record from now on, where they lead nowhere yet. */
  pointers: string[];
  /** The user's clientId has changed: from this name, where it is known, to that one; `user` is the name of its id. */
  rename?: { from: string; to: string; user: string };
  /** What stays under the clientId that was given up. */
  leave: string[];
  /** The version of the run. */
  version: Version | '';
  /** The deletion after which the failed jobs that are older can have no effect any more. */
  buried?: Version;
}

export const NOTHING: Change = { set: [], drop: [], pointers: [], leave: [], version: '' };

/** @param hash under which the record lies now. */
export function changeOf(learnt: Learnt, hash: string, instance: Instance, version: Version): Change {
  const { record, clientId, renamedTo } = learnt;
  const { deleted } = record;
  const isDeleted = deleted !== undefined && !isOlder(deleted, version);
  const change = { ...NOTHING, ...fieldsOf(record), version, ...(isDeleted && { buried: deleted }) };
  if (record.userId === undefined) return change;
  const user = hashOf(instance, 'user', record.userId);
  const client = clientId === undefined ? '' : hashOf(instance, 'client', clientId);
  if (renamedTo === undefined) return { ...change, pointers: client === '' ? [user] : [user, client] };
  const to = renamedTo === null ? user : hashOf(instance, 'client', renamedTo);
  const from = client === '' && hash !== user ? hash : client;
  // Whoever signs up under the old clientId is somebody else, and what is older than this was meant for this user.
  const leave = ['gen', String(record.generation), 'st', 'deleted', 'dv', version];
  return to === hash ? change : { ...change, rename: { from, to, user }, leave };
}
