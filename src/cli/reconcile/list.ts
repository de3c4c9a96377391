/**
 * The list that `damoov-users reconcile` compares: read once for all ids and faults, and again whenever names and values are needed.
 */
import type { Readable } from 'node:stream';
import { ListIndex } from '../../reconcile/list-index.ts';
import type { ListedElsewhere, ListedUser } from '../../reconcile/listed-user.ts';
import { readRows } from '../../rows/read-rows.ts';
import type { Fault } from '../../rows/row.ts';
import { createSuspiciousValues } from '../../rows/suspicious-values.ts';
import { faultsText } from '../import/report.ts';
import {
  type ListOptions as ReadOptions,
  madeAtOf,
  openSource,
  refuseChanged,
  rowOptionsOf,
} from '../import/source.ts';
import { UsageError } from '../common/usage-error.ts';
import { type Listed, listedIn } from './listed.ts';

export interface ListOptions extends ReadOptions {
  emptyClears?: boolean;
  instance: string;
  /** The names of all configured instances. */
  instances: readonly string[];
}

export interface List {
  readonly index: ListIndex;
  /** Number of rows of other instances. */
  readonly otherInstances: number;
  /** When it was made, in epoch milliseconds. */
  readonly lastSeenAt: number;
  /** @throws if the file has changed. */
  readonly read: () => AsyncIterable<ListedUser>;
  /** The users of other instances. @throws if the file has changed. */
  readonly readElsewhere: () => AsyncIterable<ListedElsewhere>;
  /** Values that are valid but probably unintended. */
  readonly warnings: readonly string[];
  /** Reasons why the list may mean users whose ids it does not have. */
  readonly doubts: readonly string[];
  close(): Promise<void>;
}

/** More than a person corrects before the next try. */
const MOST_FAULTS = 50;

/**
 * Opens a list and reads it completely.
 * @throws UsageError with its faults by line and column.
 */
export async function openList(file: string, stdin: Readable, options: ListOptions): Promise<List> {
  const { instance, instances, emptyClears = false } = options;
  const source = await openSource(file, stdin, new AbortController().signal);
  try {
    const lastSeenAt = madeAtOf(source, options.asOf);
    const rows = rowOptionsOf(file, options);
    const warnings: string[] = [];
    const suspicious = createSuspiciousValues();
    const found = await indexOf(listed(true), file);
    warnings.push(...suspicious.warnings());
    return {
      ...found,
      lastSeenAt,
      warnings,
      doubts: suspicious.doubts(),
      async *read() {
        for await (const one of listed()) if (one.is === 'user') yield one.user;
        await refuseChanged(source);
      },
      async *readElsewhere() {
        for await (const one of listed()) if (one.is === 'elsewhere') yield one.row;
        await refuseChanged(source);
      },
      close: () => source.close(),
    };

    async function* listed(isFirst = false): AsyncGenerator<Listed> {
      const warn = isFirst ? (message: string) => void warnings.push(message) : undefined;
      for await (const row of readRows(source.bytes(), rows, warn)) {
        if (isFirst) suspicious.look(row);
        if (row.is !== 'empty') yield listedIn(row, { instance, instances, emptyClears });
      }
    }
  } catch (error) {
    await source.close();
    throw error;
  }
}

async function indexOf(
  listed: AsyncIterable<Listed>,
  file: string,
): Promise<Pick<List, 'index' | 'otherInstances'>> {
  const index = new ListIndex();
  let otherInstances = 0;
  const faults: Fault[] = [];
  let faultCount = 0;
  const fault = (found: readonly Fault[]) => {
    faultCount += found.length;
    faults.push(...found.slice(0, MOST_FAULTS - faults.length));
  };
  for await (const one of listed) {
    if (one.is === 'elsewhere') otherInstances += 1;
    else if (one.is !== 'user') fault(one.faults);
    else if (!index.add(one.user)) {
      fault([{ line: one.user.line, column: 'clientId', message: 'is in the list already' }]);
    }
  }
  if (faultCount === 0) return { index, otherInstances };
  throw new UsageError(`${file} cannot be compared:\n${faultsText({ faults, faultCount })}`);
}
