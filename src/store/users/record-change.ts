/**
 * Computes from a run's record update the changes of the record that settle.lua writes.
 */
import type { Version } from '../../contract/version.ts';
import type { RecordUpdate } from '../../operations/context.ts';
import { IN_DOUBT, fieldsOf } from './record-fields.ts';
import { type HashId, hashIdFor } from './user-hash.ts';

export interface Change {
  set: string[];
  drop: string[];
  /** Names that lead to this record from now on, unless they already lead somewhere. */
  pointers: string[];
  /** Whether the record says, or has said, that the user is suspended. */
  wasSuspended?: true;
  /**
   * The user's clientId or instance has changed, so that its name is not this one any more, if known, but that one; `user` is the name
   * of its id; `leave`: the fields that stay under the old name.
   */
  rename?: { from: string; to: string; user: string; leave: string[] };
}

export const NOTHING: Change = { set: [], drop: [], pointers: [] };

/** @param hash the record's present name; `known`: its present content. */
export function changeOf(
  recordUpdate: RecordUpdate,
  hash: string,
  nameOf: HashId,
  version: Version,
  known: Readonly<Record<string, string>>,
): Change {
  const { record, clientId, renamedTo, movedTo } = recordUpdate;
  const wasSuspended = record.suspendedBy !== undefined || known['suspendedBy'] !== undefined;
  const change = {
    ...NOTHING,
    ...fieldsOf(record, known),
    ...(wasSuspended && { wasSuspended: true as const }),
  };
  if (record.userId === undefined) return change;
  const user = nameOf('user', record.userId);
  const client = clientId === undefined ? '' : nameOf('client', clientId);
  const pointers = client === '' ? [user] : [user, client];
  if (renamedTo === undefined && movedTo === undefined) return { ...change, pointers };
  const name = movedTo === undefined ? renamedTo : clientId;
  const hashId = movedTo === undefined ? nameOf : hashIdFor(movedTo);
  const to = name === null || name === undefined ? user : hashId('client', name);
  // The record may be stored under an earlier clientId of the user, or one in another instance.
  const from = hash === user ? client : hash;
  // A sign-up with the old clientId is a new user; anything older than this change was meant for this user.
  const { generation, userId } = record;
  const leave = [
    'generation',
    String(generation),
    'state',
    'deleted',
    'deleted',
    version,
    'formerUserId',
    userId,
  ];
  if (to === hash) return change;
  // Its name is what it was.
  if (to === from) return { ...change, pointers };
  // Older jobs of the former instance still mean this user.
  if (movedTo !== undefined) leave.push('movedUser', `${user} ${version}`);
  // A doubt from an unanswered create of the old clientId does not concern the renamed user.
  const at = change.set.indexOf(IN_DOUBT);
  const doubt = at >= 0 ? change.set.splice(at, 2) : [IN_DOUBT, known[IN_DOUBT] ?? ''];
  if (record.isInDoubt) leave.push(...doubt);
  return {
    ...change,
    rename: { from, to, user, leave },
    drop: record.isInDoubt ? [...change.drop, IN_DOUBT] : change.drop,
  };
}
