/**
 * A row of a file as a listed user, validated as the job that it may become. A fault never repeats names or values.
 */
import { parseJob } from '../../contract/job.ts';
import { CLEARABLE, type ListedElsewhere, type ListedUser } from '../../reconcile/listed-user.ts';
import type { BrokenRow, EmptyRow, Fault, Row } from '../../rows/row.ts';
import { jobFaults, instanceFaults, toJobData, parseStatus } from '../import/row-job.ts';

export interface ListedOptions {
  /** Its configured name: rows of other instances are not compared; rows without one belong to `default`. */
  readonly instance: string;
  /** The names of all configured instances: no row may name another. */
  readonly instances: readonly string[];
  /** An empty cell means that the field of the profile has no value. Default: it is not compared. */
  readonly emptyClears: boolean;
}

export type Listed =
  | { readonly is: 'user'; readonly user: ListedUser }
  | { readonly is: 'elsewhere'; readonly row: ListedElsewhere }
  | BrokenRow;

export function parseListedRow(
  row: Exclude<Row, EmptyRow>,
  { instance, instances, emptyClears }: ListedOptions,
): Listed {
  if (row.is !== 'row') return row;
  const { line } = row;
  const empty = CLEARABLE.filter((field) => isBlank(row.data[field]));
  const given = { ...row.data, ...Object.fromEntries(empty.map((field) => [field, undefined])) };
  const data = toJobData(given);
  const faulty = (faults: Fault[]): BrokenRow => ({ is: 'faulty', line, faults });
  const parsed = parseJob('create-user', data);
  const { status, faults: statusFaults } = parseStatus(line, row.data);
  const others = [...instanceFaults(line, data, instances), ...statusFaults];
  if (!parsed.ok) return faulty([...jobFaults(line, data), ...others]);
  if (others.length > 0 || parsed.job.name !== 'create-user') return faulty(others);
  const { clientId, userId, instance: named, occurredAt, correlationId, profile, settings } = parsed.job.data;
  const ids = { ...(clientId !== undefined && { clientId }), ...(userId !== undefined && { userId }) };
  if (named !== instance) return { is: 'elsewhere', row: { line, ...ids } };
  if (clientId === undefined) {
    return faulty([{ line, column: 'clientId', message: 'must not be empty' }]);
  }
  const cleared = Object.fromEntries(emptyClears ? empty.map((field) => [field, '']) : []);
  const user = {
    line,
    ...ids,
    clientId,
    wanted: { ...profile, ...cleared, ...settings, ...(status !== undefined && { status }) },
    ...(occurredAt !== undefined && { occurredAt }),
    ...(correlationId !== undefined && { correlationId }),
  };
  return { is: 'user', user };
}

/** A missing column is not empty. */
function isBlank(value: unknown): boolean {
  return value === null || (typeof value === 'string' && value.trim() === '');
}
