/**
 * Counts values that are probably unintended, such as those changed by a spreadsheet or a program, and rows without values. Holds the
 * first lines of each kind, and no value.
 */
import { type Field, FIELDS, type Row } from './row.ts';

export interface SuspiciousValues {
  look(row: Row): void;
  /** One for each column and kind, and one for rows without a value. */
  warnings(): string[];
  /** The warnings that may hide a user whose id is not in the list. */
  doubts(): string[];
}

const FORMAT_AS_TEXT = 'a spreadsheet changed them: format the column as text and export it again';

/** What is suspicious, and what to do. Only the pattern's own text is repeated. */
const KINDS: readonly [pattern: RegExp, what: string, advice: string][] = [
  [/^[+-]?\d+(?:[.,]\d+)?E[+-]\d+$/i, 'like 4.48E+11', FORMAT_AS_TEXT],
  [/^'[=+@-]/, `like '+1`, FORMAT_AS_TEXT],
  [
    /^#(?:NAME\?|REF!|VALUE!|DIV\/0!|NUM!|NULL!|N\/A|SPILL!|CALC!|#+)$/i,
    'like #NAME?',
    'errors of a spreadsheet',
  ],
  [
    /^(?:NULL|\(null\)|<null>|nil|none|undefined|NaN|N\/A|\\N)$/i,
    'like NULL',
    'use --empty to treat them as empty',
  ],
  [/^\[object Object\]$/i, 'like [object Object]', 'a program wrote an object instead of a text'],
  [/\uFFFD/, 'with U+FFFD', 'it replaces a lost letter'],
];
/** A quick test: it excludes nearly all names and emails. */
const ANY = /^[-+\d#(<nu\\['[]|\uFFFD/i;

/** A spreadsheet keeps 15 digits of a number, and replaces the rest with zeros. */
const LONG_NUMBER = /^\d{16,}$/;
const ROUNDED = /^\d{15}0+$/;

const MOST_LINES = 3;

interface Found {
  what: string;
  advice: string;
  isDoubt: boolean;
  count: number;
  first: number[];
}

export function createSuspiciousValues(): SuspiciousValues {
  const found = new Map<string, Found>();
  const rounded = 'clientId with only zeros after 15 digits';
  let longNumbers = 0;

  function note(line: number, what: string, advice: string, isDoubt: boolean): void {
    const kind = found.get(what) ?? { what, advice, isDoubt, count: 0, first: [] };
    kind.count += 1;
    if (kind.first.length < MOST_LINES) kind.first.push(line);
    found.set(what, kind);
  }

  function look(line: number, field: Field, text: string): void {
    const isId = field === 'clientId' || field === 'userId';
    const [, what, advice] = KINDS.find(([pattern]) => pattern.test(text)) ?? [];
    if (what !== undefined && advice !== undefined) note(line, `${field} ${what}`, advice, isId);
    if (field !== 'clientId' || !LONG_NUMBER.test(text)) return;
    longNumbers += 1;
    if (ROUNDED.test(text)) note(line, rounded, FORMAT_AS_TEXT, true);
  }

  /** One in ten numbers ends with a zero by chance. */
  function all(): Found[] {
    return [...found.values()].filter(({ what, count }) => what !== rounded || count * 2 > longNumbers);
  }

  return {
    look(row) {
      if (row.is === 'empty') note(row.line, EMPTY, GIVE_ID, true);
      if (row.is !== 'row') return;
      for (const field of FIELDS) {
        const value = row.data[field];
        const text = typeof value === 'string' ? value.trim() : '';
        if (ANY.test(text)) look(row.line, field, text);
      }
    },
    warnings: () => all().map(textOf),
    doubts: () =>
      all()
        .filter(({ isDoubt }) => isDoubt)
        .map(textOf),
  };
}

const EMPTY = 'rows without a value in any column that is read';
const GIVE_ID = 'add a clientId if the row means a user (--map names its column), else remove it';

/** `phone like NULL: 4 (lines 2, 3, 4, …): …`. */
function textOf({ what, advice, count, first }: Found): string {
  const lines = `${count === 1 ? 'line' : 'lines'} ${first.join(', ')}${count > first.length ? ', …' : ''}`;
  return `${what}: ${count.toLocaleString('en-US')} (${lines}): ${advice}`;
}
