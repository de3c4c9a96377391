/**
 * What a command is told about columns that have other names: `--map 'customer no=clientId,mail=email,notes='`.
 */
import { InvalidArgumentError } from 'commander';
import { fieldCalled } from '../rows/columns.ts';
import { type Field, FIELDS } from '../rows/row.ts';

/**
 * Reads one more `--map`; a column with nothing behind the `=` is left out.
 * @throws InvalidArgumentError, which commander reports by the option's name.
 */
export function parseColumnMap(
  text: string,
  before: ReadonlyMap<string, Field | undefined> = new Map(),
): ReadonlyMap<string, Field | undefined> {
  const map = new Map(before);
  for (const pair of text.split(',')) {
    const { name, to } = /^(?<name>[^=]+)=(?<to>[^=]*)$/.exec(pair)?.groups ?? {};
    if (name === undefined || to === undefined) {
      throw new InvalidArgumentError(
        "must be name=field, separated by commas: 'customer no=clientId,notes='.",
      );
    }
    const field = fieldCalled(to);
    if (field === undefined && to.trim() !== '') {
      throw new InvalidArgumentError(
        `knows the fields ${FIELDS.join(', ')}; with none a column is left out.`,
      );
    }
    map.set(name.trim().toLowerCase(), field);
  }
  return map;
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
