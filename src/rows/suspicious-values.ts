/**
 * Counts values that are most likely not what was meant: what a spreadsheet or a program has made of them; and rows that have
 * none. Holds the first lines of each kind, and no value.
 */
import { type Field, FIELDS, type Row } from './row.ts';

export interface SuspiciousValues {
  look(row: Row): void;
  /** One for each column and kind, and one for the rows without a value. */
  warnings(): string[];
  /** Those of them for which a user may be meant whose id is not in the list. */
  doubts(): string[];
}

interface Kind {
  pattern: RegExp;
  /** After the number of values. Only a word of the pattern itself is repeated. */
  what: (value: string) => string;
  advice: (value: string) => string;
}

const FORMAT_AS_TEXT = () =>
  'a spreadsheet has changed them: format the column as text there, and export it again';

const KINDS: readonly Kind[] = [
  {
    pattern: /^[+-]?\d+(?:[.,]\d+)?E[+-]\d+$/i,
    what: () => 'like 4.48E+11',
    advice: FORMAT_AS_TEXT,
  },
  {
    pattern: /^#(?:NAME\?|REF!|VALUE!|DIV\/0!|NUM!|NULL!|N\/A|SPILL!|CALC!|#+)$/i,
    what: (value) => value,
    advice: () => 'errors of a spreadsheet',
  },
  {
    pattern: /^(?:NULL|\(null\)|<null>|nil|none|undefined|NaN|N\/A|\\N)$/i,
    what: (value) => value,
    advice: (value) => `--empty '${value}' counts them as empty`,
  },
  { pattern: /^\[object Object\]$/i, what: (value) => value, advice: () => 'a program has written no text' },
  { pattern: /^'[=+@-]/, what: () => `like '+1`, advice: FORMAT_AS_TEXT },
  { pattern: /\uFFFD/, what: () => 'with U+FFFD', advice: () => 'it stands for a letter that was lost' },
];
/** Nearly all names and emails are of no kind, which one look tells. */
const ANY = /^[-+\d#(<nu\\['[]|\uFFFD/i;

/** So many lines are told of each. */
const MOST_LINES = 3;

/** How many lines, and the first of them. */
interface Lines {
  count: number;
  first: number[];
}

interface Found extends Lines {
  field: Field;
  what: string;
  advice: string;
}

const IDS: readonly Field[] = ['clientId', 'userId'];
/** A spreadsheet keeps 15 digits of a number, and makes zeros of those behind. */
const LONG_NUMBER = /^\d{16,}$/;
const ROUNDED = /^\d{15}0+$/;

export function createSuspiciousValues(): SuspiciousValues {
  const found = new Map<string, Found>();
  const empty: Lines = { count: 0, first: [] };
  const rounded: Found = {
    field: 'clientId',
    what: 'with nothing but zeros behind 15 digits',
    advice: FORMAT_AS_TEXT(),
    count: 0,
    first: [],
  };
  let longNumbers = 0;

  function note(line: number, field: Field, value: string): void {
    const kind = KINDS.find(({ pattern }) => pattern.test(value));
    if (kind === undefined) return;
    const what = kind.what(value);
    const key = `${field} ${what}`;
    const seen = found.get(key) ?? { field, what, advice: kind.advice(value), count: 0, first: [] };
    count(seen, line);
    found.set(key, seen);
  }

  function noteLong(line: number, clientId: unknown): void {
    const text = typeof clientId === 'string' ? clientId.trim() : '';
    if (!LONG_NUMBER.test(text)) return;
    longNumbers += 1;
    if (ROUNDED.test(text)) count(rounded, line);
  }

  /** One in ten numbers ends with a zero by chance. */
  function all(): Found[] {
    return [...found.values(), ...(rounded.count * 2 > longNumbers ? [rounded] : [])];
  }

  function emptyRows(): string[] {
    if (empty.count === 0) return [];
    const rows = empty.count === 1 ? '1 row has' : `${empty.count.toLocaleString('en-US')} rows have`;
    return [
      `${rows} no value in any column that is read (${linesText(empty)}): ` +
        'give those that mean a user a clientId (--map names its column), and remove the others',
    ];
  }

  return {
    look(row) {
      if (row.is === 'empty') count(empty, row.line);
      if (row.is !== 'row') return;
      for (const field of FIELDS) {
        const value = row.data[field];
        const text = typeof value === 'string' ? value.trim() : '';
        if (ANY.test(text)) note(row.line, field, text);
      }
      noteLong(row.line, row.data.clientId);
    },
    warnings: () => [...emptyRows(), ...all().map(warningOf)],
    doubts: () => [
      ...emptyRows(),
      ...all()
        .filter(({ field }) => IDS.includes(field))
        .map(warningOf),
    ],
  };
}

function count(lines: Lines, line: number): void {
  lines.count += 1;
  if (lines.first.length < MOST_LINES) lines.first.push(line);
}

function warningOf({ field, what, advice, ...lines }: Found): string {
  const values = `${lines.count.toLocaleString('en-US')} ${lines.count === 1 ? 'value' : 'values'} ${what}`;
  return `${field}: ${values} (${linesText(lines)}): ${advice}`;
}

/** `lines 2, 3, 4, …`. */
function linesText({ count, first }: Lines): string {
  return `${count === 1 ? 'line' : 'lines'} ${first.join(', ')}${count > first.length ? ', …' : ''}`;
}
