/**
 * Reads the whole file before the import: counts the rows, finds the faulty ones, and computes the id of the file. Keeps of each row only
 * its line and a hash of its id.
 */
import { type Hash, createHash, hash } from 'node:crypto';
import { type RowOptions, readRows } from '../../rows/read-rows.ts';
import type { Fault, RowData } from '../../rows/row.ts';
import { createSuspiciousValues } from '../../rows/suspicious-values.ts';
import { jobFaults, instanceFaults, toJobData, parseStatus } from './row-job.ts';
import type { Source } from './source.ts';

export interface Survey {
  /**
   * The same for the same content read the same way, wherever the file is. Job ids derive from it and the lines, so a changed file is
   * another import.
   */
  id: string;
  /** How many rows there are, faulty ones included. */
  rows: number;
  /** Lines of rows that are not added. */
  faulty: ReadonlySet<number>;
  faults: Fault[];
  faultCount: number;
  /** Whether the whole file could be parsed. */
  isReadable: boolean;
  /** Values that are valid but probably unintended. */
  warnings: string[];
}

export interface SurveyOptions extends RowOptions {
  /** Whether several rows may have one clientId. */
  allowsDuplicates: boolean;
  /** The names of the configured Damoov instances: no row may name another. */
  instances: readonly string[];
  signal: AbortSignal;
  onRead: (bytes: number) => void;
}

const IDS = ['clientId', 'userId'] as const;

const MOST_FAULTS = 50;

export async function survey(source: Source, options: SurveyOptions): Promise<Survey> {
  const content = createHash('sha256');
  const seen = new Map<string, number>();
  const faulty = new Set<number>();
  const found: Survey = {
    id: '',
    rows: 0,
    faulty,
    faults: [],
    faultCount: 0,
    isReadable: true,
    warnings: [],
  };
  const suspicious = createSuspiciousValues();

  const reading = hashed(source, content, options);
  for await (const row of readRows(reading, options, (message) => found.warnings.push(message))) {
    suspicious.look(row);
    if (row.is === 'empty') continue;
    found.rows += 1;
    const faults = row.is === 'row' ? rowFaults(row.line, row.data, seen, options) : row.faults;
    if (row.is === 'unreadable') found.isReadable = false;
    if (faults.length === 0) continue;
    faulty.add(row.line);
    found.faultCount += faults.length;
    found.faults.push(...faults.slice(0, Math.max(0, MOST_FAULTS - found.faults.length)));
  }
  found.warnings.push(...suspicious.warnings());
  return { ...found, id: importId(content.digest('hex'), options) };
}

async function* hashed(
  source: Source,
  content: Hash,
  { signal, onRead }: SurveyOptions,
): AsyncGenerator<Buffer> {
  let read = 0;
  for await (const bytes of source.bytes()) {
    signal.throwIfAborted();
    content.update(bytes);
    yield bytes;
    onRead((read += bytes.length));
  }
}

/** @param seen the first line of each id, by the id's fingerprint. */
function rowFaults(
  line: number,
  row: RowData,
  seen: Map<string, number>,
  { allowsDuplicates, instances }: SurveyOptions,
): Fault[] {
  const data = toJobData(row);
  const faults = [
    ...jobFaults(line, data),
    ...instanceFaults(line, data, instances),
    ...statusFaults(line, row),
  ];
  const { clientId, userId, instance = 'default' } = data;
  // Added again, it would create another user.
  if (clientId === undefined && userId === undefined) {
    return [...faults, { line, message: 'names no user: clientId or userId is missing' }];
  }
  if (allowsDuplicates || faults.length > 0) return faults;
  const keys = IDS.flatMap((column) => {
    const given = data[column];
    if (given === undefined) return [];
    // A UUID is the same in any case.
    const id = column === 'userId' && typeof given === 'string' ? given.toLowerCase() : given;
    return [{ column, key: fingerprint(JSON.stringify([instance, column, id])) }];
  });
  const repeated = keys.flatMap(({ column, key }): Fault[] => {
    const before = seen.get(key);
    return before === undefined ? [] : [{ line, column, message: `same as in line ${before}` }];
  });
  // A row that is not added must not make another row a duplicate.
  if (repeated.length === 0) for (const { key } of keys) seen.set(key, line);
  return repeated;
}

/** In little memory; 96 bits: no collision among millions of texts. */
function fingerprint(text: string): string {
  // Up to 12 characters are copied; a longer substring would keep the whole text in memory.
  return hash('sha256', text, 'binary').slice(0, 12);
}

function statusFaults(line: number, row: RowData): Fault[] {
  const { status, faults } = parseStatus(line, row);
  return status === 'deactivated' ? [{ line, column: 'status', message: MAKES_ACTIVE }] : faults;
}
const MAKES_ACTIVE =
  "a sign-up makes an active user: omit the column (--map 'status='), then use suspend, or reconcile --apply";

/** 64 bits, because it is part of every job's id. */
function importId(content: string, options: SurveyOptions): string {
  const { format, delimiter, map, empty, allowsDuplicates } = options;
  const columns = [...(map ?? [])].sort(([a], [b]) => (a < b ? -1 : 1));
  const readAs = [format, delimiter ?? null, columns, [...(empty ?? [])].sort(), allowsDuplicates];
  return createHash('sha256')
    .update(JSON.stringify([content, readAs]))
    .digest('hex')
    .slice(0, 16);
}
