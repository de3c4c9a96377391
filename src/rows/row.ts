/**
 * The result of reading a file of users: rows and faults, each with its line. A fault never repeats a value, which may be personal data.
 */

import { PROFILE_FIELDS, SETTINGS } from '../contract/fields.ts';

/** The columns a row may have: the fields of a `create-user` job, with its profile and settings beside them, and the user's status. */
export const FIELDS = [
  'clientId',
  'userId',
  ...PROFILE_FIELDS,
  ...SETTINGS,
  'status',
  'createAccessToken',
  'instance',
  'correlationId',
  'occurredAt',
] as const;
export type Field = (typeof FIELDS)[number];

/** By field. From CSV: the text of each column, empty if the cell is. From NDJSON: the object's values unchanged. */
export type RowData = Readonly<Partial<Record<Field, unknown>>>;

export interface Fault {
  /** From 1; for a row over several lines the first. */
  line: number;
  /** The field, or `column 3` without one; absent if the fault concerns the whole row. */
  column?: string;
  message: string;
}

/** `unreadable`: the rest of the file cannot be parsed; it is the last row. */
export interface BrokenRow {
  is: 'faulty' | 'unreadable';
  line: number;
  faults: Fault[];
}

/** The line is not empty, but no field has a value: its values are in omitted columns, or mean an empty cell. */
export interface EmptyRow {
  is: 'empty';
  line: number;
}

export type Row = { is: 'row'; line: number; data: RowData } | EmptyRow | BrokenRow;

/** A row whose fault concerns the whole row. */
export function broken(is: BrokenRow['is'], line: number, message: string): BrokenRow {
  return { is, line, faults: [{ line, message }] };
}
