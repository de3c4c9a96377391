/**
 * Finds the field of a column: from the caller's map, or by the column's name.
 */
import { closest, distance } from 'fastest-levenshtein';
import { hintFor } from '../contract/fields.ts';
import { FIELDS, type Field } from './row.ts';

/** By the {@link normalizedName} of the column; undefined: the column is omitted. */
export type ColumnMap = ReadonlyMap<string, Field | undefined>;

/** In a map: omits every column that is not known otherwise. */
export const ALL_OTHERS = '*';

export type Column =
  { is: 'field'; field: Field } | { is: 'left-out' } | { is: 'unknown'; message: string; hint?: Field };

export interface Columns {
  /** The field of the column with this name. */
  of(name: string): Column;
  /** Whether a name belongs to a field, or to a column that the map omits by name. */
  isKnown(name: string): boolean;
  /** A fault for each name of the map that no column has had so far. */
  unmet(): string[];
}

/** Other common names of fields. There is none for ids: a column `id` may be any system's. */
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
  ['enabletracking', 'tracking'],
  ['enablelogging', 'logging'],
  ['enablerealtimelocation', 'realTimeLocation'],
];
const NAMES = new Map(FIELDS.map((field) => [field.toLowerCase(), field]));
const KNOWN: ColumnMap = new Map([...NAMES, ...ALIASES]);

/** Number of remembered names: NDJSON may have new ones in each line. */
const MOST_NAMES = 1000;

export function createColumns(map: ColumnMap = new Map()): Columns {
  const known: ColumnMap = new Map([...KNOWN, ...map]);
  const wanted = new Map([...map].filter(([, field]) => field !== undefined));
  const remembered = new Map<string, Column>();

  function findColumn(name: string): Column {
    const key = normalizedName(name);
    wanted.delete(key);
    if (!known.has(key)) return map.has(ALL_OTHERS) ? { is: 'left-out' } : unknown(name);
    const field = known.get(key);
    return field === undefined ? { is: 'left-out' } : { is: 'field', field };
  }

  return {
    of(name) {
      const column = remembered.get(name) ?? findColumn(name);
      if (remembered.size < MOST_NAMES) remembered.set(name, column);
      return column;
    },
    isKnown: (name) => known.has(normalizedName(name)),
    unmet: () =>
      [...wanted].map(([name, field]) => `no column is called "${name}", which --map maps to ${field}`),
  };
}

/** A name without case, quotes around it, blanks, `_`, `-` and invisible characters. */
export function normalizedName(name: string): string {
  const bare = name.trim().replace(/^"(.*)"$|^'(.*)'$/, '$1$2');
  return bare
    .normalize('NFKC')
    .toLowerCase()
    .replaceAll(/[\s_\p{Pd}\p{Cf}]/gu, '');
}

export function fieldNamed(name: string): Field | undefined {
  return NAMES.get(normalizedName(name));
}

export function isBlank(text: string): boolean {
  return text.trim() === '';
}

function unknown(name: string): Column {
  const hint = suggestField(name);
  // The text in place of a name may be personal data: it is repeated only if it looks like a name.
  const shown = /^[A-Za-z][\w -]{0,39}$/.test(name) ? ` "${name}"` : '';
  if (hint === undefined) return { is: 'unknown', message: `unknown column${shown}` };
  return { is: 'unknown', message: `unknown column${shown}, did you mean ${hint}?`, hint };
}

function suggestField(name: string): Field | undefined {
  const hint = hintFor('create-user', '', name)?.replace(/^(profile|settings)\./, '');
  if (hint !== undefined) return fieldNamed(hint);
  const near = closest(name.toLowerCase(), [...NAMES.keys()]);
  return distance(name.toLowerCase(), near) <= 2 ? NAMES.get(near) : undefined;
}
