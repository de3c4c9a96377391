/**
 * A row of a file as a user of a list, judged as the job that it may become. Knows what an empty cell means; names and values it
 * hands on, and never repeats in a fault.
 */
import { parseJob } from '../../contract/job.ts';
import { COMPARED, type ListedUser } from '../../reconcile/listed-user.ts';
import type { BrokenRow, Row } from '../../rows/row.ts';
import { faultsOf, jobDataOf } from '../import/row-job.ts';

export interface ListedOptions {
  /** By its configured name: rows that name another instance are left out. */
  readonly instance: string;
  /** An empty cell wants the field to have no value. Default: it is not compared. */
  readonly emptyClears: boolean;
}

export type Listed = { readonly is: 'user'; readonly user: ListedUser } | BrokenRow;

/** Undefined where the row is about another instance. */
export function listedIn(row: Row, { instance, emptyClears }: ListedOptions): Listed | undefined {
  if (row.is !== 'row') return row;
  const { line } = row;
  const empty = COMPARED.filter((field) => isBlank(row.data[field]));
  const given = { ...row.data, ...Object.fromEntries(empty.map((field) => [field, undefined])) };
  const data = jobDataOf(given);
  const parsed = parseJob('create-user', data);
  if (!parsed.ok) return { is: 'faulty', line, faults: faultsOf(line, data) };
  if (parsed.job.name !== 'create-user') return undefined;
  const { clientId, instance: named, occurredAt, correlationId, profile } = parsed.job.data;
  if ('instance' in data && named !== instance) return undefined;
  if (clientId === undefined) {
    return { is: 'faulty', line, faults: [{ line, column: 'clientId', message: 'must not be empty' }] };
  }
  const cleared = Object.fromEntries(emptyClears ? empty.map((field) => [field, '']) : []);
  const user = {
    line,
    clientId,
    wanted: { ...profile, ...cleared },
    ...(occurredAt !== undefined && { occurredAt }),
    ...(correlationId !== undefined && { correlationId }),
  };
  return { is: 'user', user };
}

/** A column that is not there is not empty. */
function isBlank(value: unknown): boolean {
  return value === null || (typeof value === 'string' && value.trim() === '');
}
