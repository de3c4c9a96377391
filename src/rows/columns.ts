/**
 * Which field a column is: as the caller maps it, as the preset of an export has it, or by its own name. Knows names only.
 */
import { closest, distance } from 'fastest-levenshtein';
import { hintFor } from '../contract/job-hints.ts';
import type { Preset } from './presets.ts';
import { FIELDS, type Field } from './row.ts';

/** By {@link keyOf} the name of the column; undefined: the column is left out. */
export type ColumnMap = ReadonlyMap<string, Field | undefined>;

/** In a map: every column that is not known otherwise is left out. */
export const ALL_OTHERS = '*';

export type Column =
  | { is: 'field'; field: Field }
  | { is: 'left-out' }
  | { is: 'unknown'; message: string; isNearlyKnown: boolean };

export interface Columns {
  /** What the column with this name is. */
  of(name: string): Column;
  /** Whether a name is that of a field, or of a column that is left out by its name. Costs little, unlike a hint. */
  isKnown(name: string): boolean;
  /** The field that a name is; costs as little. */
  fieldOf(name: string): Field | undefined;
  /** What none of the names that were asked for so far was, though the map or the preset needs it: a fault each. */
  unmet(): string[];
  /** Columns that `*` has left out though their names are nearly those of a field: a warning each. */
  doubtful(): string[];
  readonly preset: Preset | undefined;
}

/** The other common names of fields, as {@link folded}. None is that of an id: whose id it is nobody can tell. */
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
];
const NAMES = new Map(FIELDS.map((field) => [field.toLowerCase(), field]));
const KNOWN: ReadonlyMap<string, Field> = new Map([...NAMES, ...ALIASES]);

/** So many names are remembered: NDJSON may have another one in each line. */
const MOST_NAMES = 1000;

/** @param preset has only its own columns known, beside those of the map; all others are left out. */
export function createColumns(map: ColumnMap = new Map(), preset?: Preset): Columns {
  const mapped = new Set([...map.values()].filter((field) => field !== undefined));
  // What is mapped to a field takes the place of what the preset has for it.
  const known = preset === undefined ? KNOWN : without(preset.columns, mapped);
  const leavesOut = preset !== undefined || map.has(ALL_OTHERS);
  const remembered = new Map<string, Column>();
  const wanted = new Map([...map].filter(([, field]) => field !== undefined));
  const nearlyKnown = new Set<string>();
  let hasClientId = preset === undefined || mapped.has('clientId');

  function byName(name: string): Column | undefined {
    const key = keyOf(name);
    if (key !== ALL_OTHERS && map.has(key)) return columnOf(map.get(key));
    const field = known.get(folded(name));
    return field && columnOf(field);
  }

  function other(name: string): Column {
    const column = unknown(name);
    if (!leavesOut) return column;
    if (preset === undefined && column.isNearlyKnown) nearlyKnown.add(column.message);
    return { is: 'left-out' };
  }

  return {
    preset,
    of(name) {
      const before = remembered.get(name);
      if (before !== undefined) return before;
      const column = byName(name) ?? other(name);
      wanted.delete(keyOf(name));
      if (column.is === 'field' && column.field === 'clientId') hasClientId = true;
      if (remembered.size < MOST_NAMES) remembered.set(name, column);
      return column;
    },
    isKnown: (name) => byName(name) !== undefined,
    fieldOf(name) {
      const column = byName(name);
      return column?.is === 'field' ? column.field : undefined;
    },
    unmet() {
      const missing = [...wanted].map(
        ([name, field]) => `no column is called "${name}", which --map has as ${field}`,
      );
      if (hasClientId || preset === undefined) return missing;
      const names = preset.clientIdNames.join(' or ');
      return [
        ...missing,
        `no column is called ${names}: export it, or name another one with --map 'NAME=clientId'`,
      ];
    },
    doubtful: () => [...nearlyKnown].map((message) => `--map '*=' leaves out an ${message}`),
  };
}

function without(
  columns: ReadonlyMap<string, Field>,
  fields: ReadonlySet<Field>,
): ReadonlyMap<string, Field> {
  return new Map([...columns].filter(([, field]) => !fields.has(field)));
}

function columnOf(field: Field | undefined): Column {
  return field === undefined ? { is: 'left-out' } : { is: 'field', field };
}

/** By what a map has the name of a column: in any case, and however its accents are encoded. */
export function keyOf(name: string): string {
  return name.normalize('NFC').trim().toLowerCase();
}

/** A name without case, blanks, `_`, `-` and what cannot be seen. */
export function folded(name: string): string {
  return name
    .normalize('NFKC')
    .toLowerCase()
    .replaceAll(/[\s_\p{Pd}\p{Cf}]/gu, '');
}

/** The field that is called so. */
export function fieldCalled(name: string): Field | undefined {
  return NAMES.get(name.trim().toLowerCase());
}

function unknown(name: string): Extract<Column, { is: 'unknown' }> {
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
  const near = closest(name.toLowerCase(), [...NAMES.keys()]);
  return distance(name.toLowerCase(), near) <= 2 ? NAMES.get(near) : undefined;
}
