/**
 * Options for commands that read a list of users: its format, and when it was made.
 */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { ALL_OTHERS, type ColumnMap, fieldNamed, normalizedName } from '../../rows/columns.ts';
import { FORMATS } from '../../rows/read-rows.ts';
import { FIELDS } from '../../rows/row.ts';
import { parsePastMs } from './parse.ts';

/** `ListOptions`. */
export function withListOptions(command: Command): Command {
  return command
    .argument('<file>', 'CSV or NDJSON, - for the standard input')
    .addOption(new Option('--format <format>', 'default: by the ending of the name').choices(FORMATS))
    .option('--delimiter <character>', 'of a CSV; default: comma, semicolon or tab', parseDelimiter)
    .addOption(
      new Option(
        '--map <name=field...>',
        'the fields of columns with other names; NAME= omits a column, *= all other columns',
      ).argParser(parseColumnMap),
    )
    .addOption(
      new Option('--empty <value...>', 'values that mean an empty cell: NULL N/A').argParser(
        (value: string, before?: ReadonlySet<string>) => new Set([...(before ?? []), value.trim()]),
      ),
    )
    .option(
      '--as-of <time>',
      'when the list was made (ISO 8601); default: when the file was written',
      parsePastMs,
    );
}

/**
 * Reads one more `--map`, `customer no=clientId`; the last one for a name counts.
 * @throws InvalidArgumentError, which commander reports by the option's name.
 */
export function parseColumnMap(text: string, before: ColumnMap = new Map()): ColumnMap {
  const at = text.lastIndexOf('=');
  const [name, to] = [normalizedName(text.slice(0, at)), text.slice(at + 1)];
  const field = fieldNamed(to);
  if (at < 0 || (field === undefined && to.trim() !== '')) {
    throw new InvalidArgumentError(
      `must be NAME=FIELD, or NAME= to omit the column. The fields are ${FIELDS.join(', ')}.`,
    );
  }
  if (name === ALL_OTHERS && field !== undefined) {
    throw new InvalidArgumentError('* means all other columns, which can only be omitted: *=');
  }
  const other = [...before].find(([known, of]) => field !== undefined && of === field && known !== name);
  if (other !== undefined) {
    throw new InvalidArgumentError(`maps several columns to ${field}: keep one of "${other[0]}", "${name}".`);
  }
  return new Map([...before, [name, field]]);
}

/** One character, or `tab`. */
function parseDelimiter(text: string): string {
  if (text === 'tab' || text === '\\t') return '\t';
  if (text.length === 1 && !/["\r\n]/.test(text)) return text;
  throw new InvalidArgumentError('must be one character, such as ; or tab.');
}
