/**
 * Converts a row to a `create-user` job, and reports its faults by column. The rules are those of a job.
 */
import { parseJobText } from '../../contract/job.ts';
import { PROFILE_FIELDS, profileValue } from '../../contract/fields.ts';
import { needsQuotes, quotedId } from '../terminal/quoted-id.ts';
import { type Fault, type Field, type RowData, FIELDS } from '../../rows/row.ts';

const PROFILE: ReadonlySet<Field> = new Set(PROFILE_FIELDS);

/** The data of a `create-user` job, not validated yet. */
export type JobData = Readonly<Record<string, unknown>>;

/** Omits empty values. */
export function jobDataOf(row: RowData): JobData {
  const data: Record<string, unknown> = {};
  const profile: Record<string, unknown> = {};
  for (const field of FIELDS) {
    const value = valueOf(field, row[field]);
    if (value === undefined || value === null || value === '') continue;
    (PROFILE.has(field) ? profile : data)[field] = value;
  }
  return Object.keys(profile).length > 0 ? { ...data, profile } : data;
}

/** The faults of the row at this line; shows no value except an id whose fault would be invisible. */
export function faultsOf(line: number, data: JobData): Fault[] {
  const parsed = parseJobText('create-user', JSON.stringify(data));
  if (parsed.ok) return [];
  return parsed.invalid.faults.map(({ path, message }) => {
    const column = path.split('.').at(-1) ?? '';
    const shown = path === 'clientId' || path === 'userId' ? idOf(data[path]) : '';
    return { line, ...(column !== '' && { column }), message: `${message}${shown}` };
  });
}

function idOf(value: unknown): string {
  return typeof value === 'string' && needsQuotes(value) ? `: ${quotedId(value)}` : '';
}

/**
 * The faults of the row's instance, named or missing. A job for an unknown instance would fail, and its user would be missing from the
 * list of the right one.
 * @param known the names of the configured instances.
 */
export function instanceFaults(line: number, { instance }: JobData, known: readonly string[]): Fault[] {
  // The job already reports a value that is not text.
  if (instance !== undefined && typeof instance !== 'string') return [];
  if (known.includes(instance ?? 'default')) return [];
  const why =
    instance === undefined
      ? 'is needed, because no instance is called default'
      : 'no such instance is configured';
  return [{ line, column: 'instance', message: `${why} (known: ${known.join(', ')})` }];
}

/** Free texts are judged with their blanks. */
const TRIMMED: ReadonlySet<Field> = new Set(['birthday', 'childrenCount', 'imageUrl']);

/** A CSV has only text, and spreadsheets write the words of a list in any case. */
function valueOf(field: Field, value: unknown): unknown {
  if (typeof value !== 'string') return value;
  const text = value.trim();
  const word = text.toLowerCase();
  if (field === 'createAccessToken') return word === 'true' ? true : word === 'false' ? false : value;
  if (field === 'gender' || field === 'maritalStatus') return word;
  return TRIMMED.has(field) ? profileValue(field, text) : value;
}
