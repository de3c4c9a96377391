/**
 * Reads the list that `damoov-users reconcile` compares, and reports its faults.
 */
import type { Readable } from 'node:stream';
import type { ListedElsewhere } from '../../reconcile/listed-user.ts';
import { UserList } from '../../reconcile/user-list.ts';
import { readRows } from '../../rows/read-rows.ts';
import type { Fault } from '../../rows/row.ts';
import { createSuspiciousValues } from '../../rows/suspicious-values.ts';
import { faultsText } from '../import/report.ts';
import {
  type ListOptions as ReadOptions,
  listTime,
  openSource,
  refuseChanged,
  rowOptionsFor,
} from '../import/source.ts';
import { UsageError } from '../common/usage-error.ts';
import { parseListedRow } from './listed.ts';

export interface ListOptions extends ReadOptions {
  emptyClears?: boolean;
  instance: string;
  instances: readonly string[];
}

export interface List {
  readonly users: UserList;
  /** The rows of other instances. */
  readonly elsewhere: readonly ListedElsewhere[];
  /** When it was made, in epoch milliseconds. */
  readonly madeAt: number;
  /** Values that are valid but probably unintended. */
  readonly warnings: readonly string[];
  /** Reasons why the list may mean users whose ids it does not have. */
  readonly doubts: readonly string[];
}

/** More than a person corrects before the next try. */
const MOST_FAULTS = 50;

/** @throws UsageError with its faults by line and column; Error if the file changes meanwhile. */
export async function readList(file: string, stdin: Readable, options: ListOptions): Promise<List> {
  const { instance, instances, emptyClears = false } = options;
  const source = await openSource(file, stdin, new AbortController().signal);
  try {
    const madeAt = listTime(source, options.asOf);
    const users = new UserList();
    const elsewhere: ListedElsewhere[] = [];
    const warnings: string[] = [];
    const suspicious = createSuspiciousValues();
    const faults: Fault[] = [];
    const warn = (message: string) => void warnings.push(message);
    for await (const row of readRows(source.bytes(), rowOptionsFor(file, options), warn)) {
      suspicious.look(row);
      if (row.is === 'empty') continue;
      const listed = parseListedRow(row, { instance, instances, emptyClears });
      if (listed.is === 'elsewhere') elsewhere.push(listed.row);
      else if (listed.is !== 'user') faults.push(...listed.faults);
      else if (!users.add(listed.user)) {
        faults.push({ line: listed.user.line, column: 'clientId', message: 'is in the list already' });
      }
    }
    await refuseChanged(source);
    if (faults.length > 0) {
      const shown = { faults: faults.slice(0, MOST_FAULTS), faultCount: faults.length };
      throw new UsageError(`${file} cannot be compared:\n${faultsText(shown)}`);
    }
    warnings.push(...suspicious.warnings());
    return { users, elsewhere, madeAt, warnings, doubts: suspicious.doubts() };
  } finally {
    await source.close();
  }
}
