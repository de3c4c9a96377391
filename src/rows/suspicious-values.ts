/**
 * Counts values that are most likely not what was meant: what a spreadsheet or a program has made of them. Holds the first lines of
 * each kind, and no value.
 */
import { type Field, FIELDS, type RowData } from './row.ts';

export interface SuspiciousValues {
  look(line: number, data: RowData): void;
  /** One for each column and kind. */
  warnings(): string[];
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

interface Found {
  field: Field;
  what: string;
  advice: string;
  count: number;
  lines: number[];
}

export function createSuspiciousValues(): SuspiciousValues {
  const found = new Map<string, Found>();

  function note(line: number, field: Field, value: string): void {
    const kind = KINDS.find(({ pattern }) => pattern.test(value));
    if (kind === undefined) return;
    const what = kind.what(value);
    const key = `${field} ${what}`;
    const seen = found.get(key) ?? { field, what, advice: kind.advice(value), count: 0, lines: [] };
    seen.count += 1;
    if (seen.lines.length < MOST_LINES) seen.lines.push(line);
    found.set(key, seen);
  }

  return {
    look(line, data) {
      for (const field of FIELDS) {
        const value = data[field];
        const text = typeof value === 'string' ? value.trim() : '';
        if (ANY.test(text)) note(line, field, text);
      }
    },
    warnings: () => [...found.values()].map(warningOf),
  };
}

function warningOf({ field, what, advice, count, lines }: Found): string {
  const values = `${count.toLocaleString('en-US')} ${count === 1 ? 'value' : 'values'} ${what}`;
  const where = `${count === 1 ? 'line' : 'lines'} ${lines.join(', ')}${count > lines.length ? ', …' : ''}`;
  return `${field}: ${values} (${where}): ${advice}`;
}
