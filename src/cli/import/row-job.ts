/**
 * The `create-user` job that a row asks for, and its faults by column. A row is judged by nothing but what judges a job.
 */
import { parseJobText } from '../../contract/job.ts';
import { PROFILE_FIELDS, profileValue } from '../../contract/field-names.ts';
import { needsQuotes, quotedId } from '../terminal/quoted-id.ts';
import { type Fault, type Field, type RowData, FIELDS } from '../../rows/row.ts';

const PROFILE: ReadonlySet<Field> = new Set(PROFILE_FIELDS);

/** The data of a `create-user` job, not judged yet. */
export type JobData = Readonly<Record<string, unknown>>;

/** What is empty is left out. */
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

/** What is wrong with the job of the row at this line; shows no value but an id whose fault cannot be seen otherwise. */
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
 * What is wrong with the instance that the row names, or with that it names none. A job for one that nobody has configured would
 * fail, and its user would be missing from a list of the one that was meant.
 * @param known the names of the configured instances.
 */
export function instanceFaults(line: number, { instance }: JobData, known: readonly string[]): Fault[] {
  // What is no text is a fault of the job already.
  if (instance !== undefined && typeof instance !== 'string') return [];
  if (known.includes(instance ?? 'default')) return [];
  const why =
    instance === undefined ? 'is needed, as none is called default' : 'no such instance is configured here';
  return [{ line, column: 'instance', message: `${why} (known: ${known.join(', ')})` }];
}

/** A CSV has only texts, and spreadsheets write words of a list in any case. */
function valueOf(field: Field, value: unknown): unknown {
  if (typeof value !== 'string') return value;
  const text = value.trim().toLowerCase();
  switch (field) {
    case 'createAccessToken':
      return text === 'true' ? true : text === 'false' ? false : value;
    case 'gender':
    case 'maritalStatus':
      return text;
    default:
      return profileValue(field, value);
  }
}
