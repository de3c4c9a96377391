/**
 * What a command is told about columns and cells: `--map 'customer no=clientId,"Name, first"=firstName,notes='`,
 * `--empty 'NULL,N/A'`, `--delimiter tab`.
 */
import { InvalidArgumentError } from 'commander';
import { ALL_OTHERS, fieldCalled, keyOf } from '../../rows/columns.ts';
import { type Field, FIELDS } from '../../rows/row.ts';

/** Each name in quotes, with each quote in it doubled, or as it is up to a comma. */
const PAIR = /^(?:\s*"(?<quoted>[^"]*(?:""[^"]*)*)"\s*|(?<plain>[^",=][^,=]*))=(?<to>[^,=]*)(?:,|$)/u;
const VALUE = /^(?:\s*"(?<quoted>[^"]*(?:""[^"]*)*)"\s*|(?<plain>[^",][^,]*))(?:,|$)/u;

/**
 * Reads one more `--map`, whose names count before those of earlier ones; a column with nothing behind the `=` is left out.
 * @throws InvalidArgumentError, which commander reports by the option's name.
 */
export function parseColumnMap(
  text: string,
  before: ReadonlyMap<string, Field | undefined> = new Map(),
): ReadonlyMap<string, Field | undefined> {
  const map = new Map(before);
  const named = new Set<string>();
  const form = `must be name=field, separated by commas: 'customer no=clientId,"Name, first"=firstName,notes='.`;
  for (const { name, to = '' } of itemsIn(text, PAIR, form)) {
    const field = fieldCalled(to);
    if (field === undefined && to.trim() !== '') {
      throw new InvalidArgumentError(
        `knows the fields ${FIELDS.join(', ')}; with none a column is left out.`,
      );
    }
    if (keyOf(name) === ALL_OTHERS && field !== undefined) {
      throw new InvalidArgumentError('* is all other columns, which can only be left out: *=');
    }
    if (named.has(keyOf(name))) {
      throw new InvalidArgumentError(`has the column "${name}" twice: say once what it is.`);
    }
    named.add(keyOf(name));
    map.set(keyOf(name), field);
  }
  for (const field of FIELDS) {
    const names = [...map].filter(([, to]) => to === field).map(([name]) => `"${name}"`);
    if (names.length > 1) {
      throw new InvalidArgumentError(`has several columns as ${field}: keep one of ${names.join(', ')}.`);
    }
  }
  return map;
}

/**
 * Reads one more `--empty`.
 * @throws InvalidArgumentError, which commander reports by the option's name.
 */
export function parseEmptyValues(text: string, before: ReadonlySet<string> = new Set()): ReadonlySet<string> {
  const form = `must be values, separated by commas: 'NULL,N/A', in quotes where one has a comma.`;
  const values = itemsIn(text, VALUE, form).map(({ name }) => name.trim());
  return new Set([...before, ...values]);
}

function itemsIn(text: string, item: RegExp, form: string): { name: string; to: string | undefined }[] {
  const items: { name: string; to: string | undefined }[] = [];
  for (let left = text; left !== '' || items.length === 0;) {
    const match = item.exec(left);
    if (match === null || text.endsWith(',')) throw new InvalidArgumentError(form);
    const { quoted, plain = '', to } = match.groups ?? {};
    items.push({ name: quoted?.replaceAll('""', '"') ?? plain, to });
    left = left.slice(match[0].length);
  }
  return items;
}

/**
 * One character, or `tab`.
 * @throws InvalidArgumentError, which commander reports by the option's name.
 */
export function parseDelimiter(text: string): string {
  if (text === 'tab' || text === '\\t') return '\t';
  if (text.length !== 1 || /["\r\n]/.test(text)) {
    throw new InvalidArgumentError('must be one character, such as ; or tab.');
  }
  return text;
}
