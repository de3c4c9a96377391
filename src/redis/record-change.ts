/**
 * What settle.lua is told to change in a record, from what a run learnt. Knows which names lead to a user, not what they
 * are worth.
 */
import type { Instance, Learnt } from '../operations/context.ts';
import { fieldsOf } from './record-fields.ts';
import { hashOf } from './user-hash.ts';

export interface Change {
  set: string[];
  drop: string[];
  /** Records that lead to this one from now on. */
  pointers: string[];
  moveTo?: string;
  /** What stays under the old hash of a record that moves. */
  leave: string[];
}

export const NOTHING: Change = { set: [], drop: [], pointers: [], leave: [] };

/** @param hash under which the record lies now. */
export function changeOf({ record, renamedTo }: Learnt, hash: string, instance: Instance): Change {
  const change = { ...NOTHING, ...fieldsOf(record) };
  if (record.userId === undefined) return change;
  const user = hashOf(instance, 'user', record.userId);
  change.pointers = [user];
  if (renamedTo === undefined) return change;
  const target = renamedTo === null ? user : hashOf(instance, 'client', renamedTo);
  if (target === hash) return change;
  // A record of its own user id stays where it is: the new clientId leads there.
  if (user === hash) return { ...change, pointers: [target] };
  return { ...change, moveTo: target, leave: ['gen', String(record.generation + 1)] };
}
