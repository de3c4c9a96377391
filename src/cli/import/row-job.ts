/**
 * Converts a row to a `create-user` job, and reports its faults by column. The rules are those of a job. A sign-up has no status: it is
 * read apart.
 */
import { parseJobText } from '../../contract/job.ts';
import { PROFILE_FIELDS, SETTINGS, STATUSES, type Status, profileValue } from '../../contract/fields.ts';
import { needsQuotes, quotedId } from '../terminal/quoted-id.ts';
import { type Fault, type Field, type RowData, FIELDS } from '../../rows/row.ts';

const PROFILE: ReadonlySet<Field> = new Set(PROFILE_FIELDS);
const SETTING: ReadonlySet<Field> = new Set(SETTINGS);

/** The data of a `create-user` job, not validated yet. */
export type JobData = Readonly<Record<string, unknown>>;

/** Omits empty values. */
export function toJobData(row: RowData): JobData {
  const data: Record<string, unknown> = {};
  const profile: Record<string, unknown> = {};
  const settings: Record<string, unknown> = {};
  for (const field of FIELDS) {
    const value = normalValue(field, row[field]);
    if (value === undefined || value === null || value === '' || field === 'status') continue;
    (PROFILE.has(field) ? profile : SETTING.has(field) ? settings : data)[field] = value;
  }
  return {
    ...data,
    ...(Object.keys(profile).length > 0 && { profile }),
    ...(Object.keys(settings).length > 0 && { settings }),
  };
}

export function parseStatus(line: number, row: RowData): { status?: Status; faults: Fault[] } {
  const given = normalValue('status', row.status) ?? '';
  if (given === '') return { faults: [] };
  const status = STATUSES.find((known) => known === given);
  if (status !== undefined) return { status, faults: [] };
  return { faults: [{ line, column: 'status', message: `must be ${STATUSES.join(' or ')}` }] };
}

/** The faults of the row at this line; shows no value except an id whose fault would be invisible. */
export function jobFaults(line: number, data: JobData): Fault[] {
  const parsed = parseJobText('create-user', JSON.stringify(data));
  if (parsed.ok) return [];
  return parsed.invalid.faults.map(({ path, message }) => {
    const column = path.split('.').at(-1) ?? '';
    const shown = path === 'clientId' || path === 'userId' ? shownId(data[path]) : '';
    const fault = FLAGS.has(column) ? FLAG_FAULT : `${message}${shown}`;
    return { line, ...(column !== '' && { column }), message: fault };
  });
}

function shownId(value: unknown): string {
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

const FLAGS: ReadonlySet<string> = new Set([...SETTINGS, 'createAccessToken']);
const FLAG_WORDS: ReadonlyMap<unknown, boolean> = new Map<unknown, boolean>([
  ...['true', 'yes', '1', 1].map((word) => [word, true] as const),
  ...['false', 'no', '0', 0].map((word) => [word, false] as const),
]);
const FLAG_FAULT = 'must be true, yes or 1, or false, no or 0';

function parseFlag(value: unknown): unknown {
  const word = typeof value === 'string' ? value.trim().toLowerCase() : value;
  return word === '' ? undefined : (FLAG_WORDS.get(word) ?? value);
}

/** Of a few words each. */
const WORDS: ReadonlySet<Field> = new Set(['gender', 'maritalStatus', 'status']);
/** Free texts are judged with their blanks. */
const TRIMMED: ReadonlySet<Field> = new Set(['birthday', 'childrenCount', 'imageUrl']);

/** A CSV has only text, and spreadsheets write the words of a list in any case. */
function normalValue(field: Field, value: unknown): unknown {
  if (FLAGS.has(field)) return parseFlag(value);
  if (typeof value !== 'string') return value;
  const text = value.trim();
  if (WORDS.has(field)) return text.toLowerCase();
  return TRIMMED.has(field) ? profileValue(field, text) : value;
}
