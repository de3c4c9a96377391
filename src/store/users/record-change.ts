/**
 * What settle.lua is told to change in a record, from what a run has learned. Knows which names lead to a user, not what they
 * are worth.
 */
import type { Version } from '../../contract/version.ts';
import type { RecordUpdate } from '../../operations/context.ts';
import { IN_DOUBT, fieldsOf } from './record-fields.ts';
import type { Naming } from './user-hash.ts';

export interface Change {
  set: string[];
  drop: string[];
  /** Names that lead to this record from now on, where they lead nowhere yet. */
  pointers: string[];
  /**
   * The user's clientId has changed: from this name, where it is known, to that one; `user` is the name of its id; `leave`: what stays
   * under the clientId that was given up.
   */
  rename?: { from: string; to: string; user: string; leave: string[] };
}

export const NOTHING: Change = { set: [], drop: [], pointers: [] };

/** @param hash under which the record lies now; `known`: what lies there. */
export function changeOf(
  recordUpdate: RecordUpdate,
  hash: string,
  nameOf: Naming,
  version: Version,
  known: Readonly<Record<string, string>>,
): Change {
  const { record, clientId, renamedTo } = recordUpdate;
  const change = { ...NOTHING, ...fieldsOf(record, known) };
  if (record.userId === undefined) return change;
  const user = nameOf('user', record.userId);
  const client = clientId === undefined ? '' : nameOf('client', clientId);
  if (renamedTo === undefined) return { ...change, pointers: client === '' ? [user] : [user, client] };
  const to = renamedTo === null ? user : nameOf('client', renamedTo);
  // The record may lie under a clientId that the user bore before, or bears in another instance.
  const from = hash === user ? client : hash;
  // Whoever signs up under the old clientId is somebody else, and what is older than this was meant for this user.
  const { generation, userId } = record;
  const leave = [
    'generation',
    String(generation),
    'state',
    'deleted',
    'deleted',
    version,
    'gaveUpBy',
    userId,
  ];
  if (to === hash) return change;
  // What an unanswered create of the old clientId has left in doubt is not about the user who has another one now.
  const at = change.set.indexOf(IN_DOUBT);
  const doubt = at >= 0 ? change.set.splice(at, 2) : [IN_DOUBT, known[IN_DOUBT] ?? ''];
  if (record.isInDoubt) leave.push(...doubt);
  return {
    ...change,
    rename: { from, to, user, leave },
    drop: record.isInDoubt ? [...change.drop, IN_DOUBT] : change.drop,
  };
}
