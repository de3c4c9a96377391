/**
 * Which field a column is: as the caller maps it, or by its own name. Knows names only.
 */
import { closest, distance } from 'fastest-levenshtein';
import { hintFor } from '../contract/field-names.ts';
import { FIELDS, type Field } from './row.ts';

/** By the {@link folded} name of the column; undefined: the column is left out. */
export type ColumnMap = ReadonlyMap<string, Field | undefined>;

/** In a map: every column that is not known otherwise is left out. */
export const ALL_OTHERS = '*';

export type Column =
  { is: 'field'; field: Field } | { is: 'left-out' } | { is: 'unknown'; message: string; hint?: Field };

export interface Columns {
  /** What the column with this name is. */
  of(name: string): Column;
  /** Whether a name is that of a field, or of a column that is left out by its name. */
  isKnown(name: string): boolean;
  /** What none of the names that were asked for so far was, though the map needs it: a fault each. */
  unmet(): string[];
}

/** The other common names of fields. None is that of an id: whose id it is nobody can tell. */
const ALIASES: readonly [string, Field][] = [
  ['givenname', 'firstName'],
  ['familyname', 'lastName'],
  ['surname', 'lastName'],
  ['phonenumber', 'phone'],
  ['mobilephone', 'phone'],
  ['mobilenumber', 'phone'],
  ['mobilephonenumber', 'phone'],
  ['telephone', 'phone'],
  ['emailaddress', 'email'],
  ['sex', 'gender'],
  ['birthdate', 'birthday'],
  ['dateofbirth', 'birthday'],
];
const NAMES = new Map(FIELDS.map((field) => [field.toLowerCase(), field]));
const KNOWN: ColumnMap = new Map([...NAMES, ...ALIASES]);

/** So many names are remembered: NDJSON may have another one in each line. */
const MOST_NAMES = 1000;

export function createColumns(map: ColumnMap = new Map()): Columns {
  const known: ColumnMap = new Map([...KNOWN, ...map]);
  const wanted = new Map([...map].filter(([, field]) => field !== undefined));
  const remembered = new Map<string, Column>();

  function columnOf(name: string): Column {
    const key = folded(name);
    wanted.delete(key);
    if (!known.has(key)) return map.has(ALL_OTHERS) ? { is: 'left-out' } : unknown(name);
    const field = known.get(key);
    return field === undefined ? { is: 'left-out' } : { is: 'field', field };
  }

  return {
    of(name) {
      const column = remembered.get(name) ?? columnOf(name);
      if (remembered.size < MOST_NAMES) remembered.set(name, column);
      return column;
    },
    isKnown: (name) => known.has(folded(name)),
    unmet: () =>
      [...wanted].map(([name, field]) => `no column is called "${name}", which --map has as ${field}`),
  };
}

/** A name without case, quotes around it, blanks, `_`, `-` and what cannot be seen. */
export function folded(name: string): string {
  const bare = name.trim().replace(/^"(.*)"$|^'(.*)'$/, '$1$2');
  return bare
    .normalize('NFKC')
    .toLowerCase()
    .replaceAll(/[\s_\p{Pd}\p{Cf}]/gu, '');
}

/** The field that is called so. */
export function fieldCalled(name: string): Field | undefined {
  return NAMES.get(folded(name));
}

export function isBlank(text: string): boolean {
  return text.trim() === '';
}

function unknown(name: string): Column {
  const hint = hintOf(name);
  // What stands where a name should may be a person's: only what looks like a name is repeated.
  const shown = /^[A-Za-z][\w -]{0,39}$/.test(name) ? ` "${name}"` : '';
  if (hint === undefined) return { is: 'unknown', message: `unknown column${shown}` };
  return { is: 'unknown', message: `unknown column${shown}, did you mean ${hint}?`, hint };
}

function hintOf(name: string): Field | undefined {
  const hint = hintFor('create-user', '', name)?.replace('profile.', '');
  if (hint !== undefined) return fieldCalled(hint);
  const near = closest(name.toLowerCase(), [...NAMES.keys()]);
  return distance(name.toLowerCase(), near) <= 2 ? NAMES.get(near) : undefined;
}
