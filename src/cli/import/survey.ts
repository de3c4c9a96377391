/**
 * Looks at a whole file before anything is done with it: how many rows it has, which of them are faulty and why, and by what
 * it is known again. Holds of a row no more than its line and a hash of who it is.
 */
import { createHash } from 'node:crypto';
import { type RowOptions, readRows } from '../../rows/read-rows.ts';
import type { Fault, RowData } from '../../rows/row.ts';
import { createSuspiciousValues } from '../../rows/suspicious-values.ts';
import { type Identify, namesUser } from './anonymous-rows.ts';
import { type LineSet, createLineSet } from './line-set.ts';
import { faultsOf, instanceFaults, jobDataOf } from './row-job.ts';
import { createSeen } from './seen.ts';
import type { Source } from './source.ts';

export interface Survey {
  /**
   * The same for the same content, read the same way, wherever it lies. The jobs follow from it and the lines, so a file that
   * was changed is another import.
   */
  id: string;
  /** How many rows there are, faulty ones included. */
  rows: number;
  /** Lines of rows that are not to be added. */
  faulty: LineSet;
  /** The first of them. */
  faults: Fault[];
  faultCount: number;
  /** Whether all of the file could be told apart. */
  isReadable: boolean;
  /** What is no fault, but probably not meant. */
  warnings: string[];
}

export interface SurveyOptions extends RowOptions {
  /** Whether one clientId may have several rows. */
  allowsDuplicates: boolean;
  /** For rows that name nobody; without it they are faulty: added once more, each would make another user. */
  identify: Identify | undefined;
  /** The names of the configured Damoov instances: no row may name another. */
  instances: readonly string[];
  signal: AbortSignal;
  onRead: (bytes: number) => void;
}

const IDS = ['clientId', 'userId'] as const;

/** As many faults as somebody reads. */
const MOST_FAULTS = 50;

export async function survey(source: Source, options: SurveyOptions): Promise<Survey> {
  const { allowsDuplicates, identify, instances, signal, onRead } = options;
  const content = createHash('sha256');
  const seen = createSeen();
  const faulty = createLineSet();
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

  async function* hashed(): AsyncGenerator<Buffer> {
    let read = 0;
    for await (const bytes of source.bytes()) {
      signal.throwIfAborted();
      content.update(bytes);
      yield bytes;
      onRead((read += bytes.length));
    }
  }
  const reading = hashed();
  for await (const row of readRows(reading, options, (message) => found.warnings.push(message))) {
    suspicious.look(row);
    if (row.is === 'empty') continue;
    found.rows += 1;
    const faults = row.is === 'row' ? judge(row.line, row.data) : row.faults;
    if (row.is === 'unreadable') found.isReadable = false;
    if (faults.length === 0) continue;
    faulty.add(row.line);
    found.faultCount += faults.length;
    found.faults.push(...faults.slice(0, Math.max(0, MOST_FAULTS - found.faults.length)));
  }
  found.warnings.push(...suspicious.warnings());
  return { ...found, id: idOf(content.digest('hex'), options) };

  function judge(line: number, row: RowData): Fault[] {
    const said = jobDataOf(row);
    const faults = [...faultsOf(line, said), ...instanceFaults(line, said, instances)];
    const data = identify?.(said) ?? said;
    if (!namesUser(data) && identify === undefined) return [...faults, nobody(line)];
    if (allowsDuplicates || faults.length > 0) return faults;
    const { instance = 'default' } = data;
    return IDS.flatMap((column): Fault[] => {
      const given = data[column];
      if (given === undefined) return [];
      // A UUID is the same in any case.
      const id = column === 'userId' && typeof given === 'string' ? given.toLowerCase() : given;
      const before = seen.meet(JSON.stringify([instance, column, id]), line);
      if (before === undefined) return [];
      if (namesUser(said)) return [{ line, column, message: `the same as in line ${before}` }];
      return [
        { line, message: `names nobody, and has the same values as line ${before}: give each a clientId` },
      ];
    });
  }
}

function nobody(line: number): Fault {
  return {
    line,
    message: 'names nobody: give it clientId or userId, or take such rows with --allow-anonymous',
  };
}

/** 64 bits: it is part of every job's id. */
function idOf(content: string, options: SurveyOptions): string {
  const { format, delimiter, map, from, empty, allowsDuplicates, identify } = options;
  const columns = [...(map ?? [])].sort(([a], [b]) => (a < b ? -1 : 1));
  const readAs = [format, delimiter ?? null, columns, from ?? null, [...(empty ?? [])].sort()];
  const takes = [allowsDuplicates, identify !== undefined];
  return createHash('sha256')
    .update(JSON.stringify([content, readAs, takes]))
    .digest('hex')
    .slice(0, 16);
}
