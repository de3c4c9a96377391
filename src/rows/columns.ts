/**
 * Which field a column is: by the names of the contract and of the Python SDK, whatever their case, or as the caller maps
 * it. Knows names only.
 */
import { closest, distance } from 'fastest-levenshtein';
import { hintFor } from '../contract/job-hints.ts';
import { FIELDS, type Field } from './row.ts';

/** By the name of the column in lower case; undefined: the column is left out. */
export type ColumnMap = ReadonlyMap<string, Field | undefined>;

export type Column =
  | { is: 'field'; field: Field }
  | { is: 'left-out' }
  | { is: 'unknown'; message: string; isNearlyKnown: boolean };

/** The name of the SDK is that of the contract with a capital: `ClientId`. */
const KNOWN = new Map(FIELDS.map((field) => [field.toLowerCase(), field]));

/** What the column with this name is. */
export function columnOf(name: string, map: ColumnMap = new Map()): Column {
  const folded = name.trim().toLowerCase();
  if (map.has(folded)) {
    const field = map.get(folded);
    return field === undefined ? { is: 'left-out' } : { is: 'field', field };
  }
  const field = KNOWN.get(folded);
  return field === undefined ? unknown(name) : { is: 'field', field };
}

/** Whether a name is that of a field, or of a column that is left out. Costs little, unlike a hint. */
export function isKnown(name: string, map: ColumnMap = new Map()): boolean {
  const folded = name.trim().toLowerCase();
  return map.has(folded) || KNOWN.has(folded);
}

/** The field that is called so. */
export function fieldCalled(name: string): Field | undefined {
  return KNOWN.get(name.trim().toLowerCase());
}

function unknown(name: string): Column {
  const hint = hintOf(name);
  const shown = isShown(name) ? ` "${name}"` : '';
  const meant = hint === undefined ? '' : `, did you mean ${hint}?`;
  return { is: 'unknown', message: `unknown column${shown}${meant}`, isNearlyKnown: hint !== undefined };
}

/** A name in a fault. */
export function shownName(name: string): string {
  return isShown(name) ? `"${name}"` : 'a key';
}

/** What stands where a name should may be a person's: only what looks like a name is repeated. */
function isShown(name: string): boolean {
  return /^[A-Za-z][\w -]{0,39}$/.test(name);
}

function hintOf(name: string): string | undefined {
  const hint = hintFor('create-user', '', name)?.replace('profile.', '');
  if (hint !== undefined) return fieldCalled(hint);
  const near = closest(name.toLowerCase(), [...KNOWN.keys()]);
  return distance(name.toLowerCase(), near) <= 2 ? KNOWN.get(near) : undefined;
}
