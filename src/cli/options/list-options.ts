/**
 * Options of the commands that read a list of users: how it is read, and when it was made.
 */
import { type Command, Option } from 'commander';
import { PRESET_NAMES } from '../../rows/presets.ts';
import { FORMATS } from '../../rows/read-rows.ts';
import { parseColumnMap, parseDelimiter, parseEmptyValues } from './column-map.ts';
import { parsePastMs } from './instant.ts';

/** `ListOptions`. */
export function ofList(command: Command): Command {
  return command
    .argument('<file>', 'CSV or NDJSON, - for the standard input')
    .addOption(new Option('--format <format>', 'default: by the ending of the name').choices(FORMATS))
    .addOption(
      new Option('--from <system>', 'that has exported the list: its columns are known, all others left out')
        .choices(PRESET_NAMES)
        .conflicts('format'),
    )
    .addOption(
      new Option('--delimiter <character>', 'of a CSV; default: comma, semicolon or tab').argParser(
        parseDelimiter,
      ),
    )
    .addOption(
      new Option(
        '--map <name=field,…>',
        'what columns of other names are; with no field a column is left out, with *= all others are',
      ).argParser(parseColumnMap),
    )
    .addOption(
      new Option('--empty <value,…>', 'values that stand for an empty cell: NULL,N/A').argParser(
        parseEmptyValues,
      ),
    )
    .option(
      '--as-of <time>',
      'when the list was made (ISO 8601); default: when the file was written',
      parsePastMs,
    );
}
