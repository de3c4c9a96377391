/**
 * Reads the JSON that another system has exported as rows, a user each. The line of a row is the number of its user in the file.
 */
import { isUtf8 } from 'node:buffer';
import type { Columns } from './columns.ts';
import { ENCODING_FAULT, NUL_FAULT } from './decode.ts';
import { jsonObjects } from './json-objects.ts';
import { type Fault, type Field, MOST_OF_ROW, type Row, unreadable } from './row.ts';

export async function* jsonUsers(bytes: AsyncIterable<Buffer>, columns: Columns): AsyncGenerator<Row> {
  let number = 0;
  for await (const found of jsonObjects(bytes)) {
    number += 1;
    if (found.is === 'broken') {
      yield unreadable(number, found.message);
      return;
    }
    yield rowOf(number, found.bytes, columns);
  }
}

function rowOf(line: number, bytes: Buffer | undefined, columns: Columns): Row {
  const faulty = (message: string): Row => ({ is: 'faulty', line, faults: [{ line, message }] });
  if (bytes === undefined) return faulty(`longer than ${MOST_OF_ROW} bytes`);
  if (!isUtf8(bytes)) return faulty(ENCODING_FAULT);
  if (bytes.includes(0)) return faulty(NUL_FAULT);
  let user: object;
  try {
    user = JSON.parse(bytes.toString());
  } catch {
    return faulty('is not JSON');
  }
  const { preset } = columns;
  const fault = preset?.faultOf?.(user);
  if (fault !== undefined) return faulty(fault);
  const row = rowOfUser(line, user, columns);
  if (row.is !== 'row' || preset === undefined || row.data.clientId !== undefined) return row;
  return faulty(
    `has no clientId, which is ${preset.clientIdNames.join(' or ')} unless --map has another one`,
  );
}

function rowOfUser(line: number, user: object, columns: Columns): Row {
  const data: Partial<Record<Field, unknown>> = {};
  const faults: Fault[] = [];
  for (const [name, given] of entriesOf(user)) {
    const column = columns.of(name);
    if (column.is !== 'field') continue;
    const { field } = column;
    const value = Array.isArray(given) && given.length <= 1 ? given[0] : given;
    if (value === undefined || value === null) continue;
    if (typeof value === 'object') faults.push({ line, column: field, message: 'has several values' });
    else if (field in data) faults.push({ line, column: field, message: 'is there twice' });
    else data[field] = value;
  }
  return faults.length > 0 ? { is: 'faulty', line, faults } : { is: 'row', line, data };
}

/** What is in an object of the user's own is named by both: `attributes.phoneNumber`. */
function entriesOf(user: object): [string, unknown][] {
  return Object.entries(user).flatMap(([name, value]: [string, unknown]): [string, unknown][] =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.entries(value).map(([inner, one]: [string, unknown]) => [`${name}.${inner}`, one])
      : [[name, value]],
  );
}
