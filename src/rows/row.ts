/**
 * What a file of users is read as: rows and faults, each with its line. A fault never repeats a value, which may be personal data.
 */

import { PROFILE_FIELDS } from '../contract/field-names.ts';

/** The columns a row may have: what a `create-user` job says, with the fields of its profile beside the rest. */
export const FIELDS = [
  'clientId',
  'userId',
  ...PROFILE_FIELDS,
  'createAccessToken',
  'instance',
  'correlationId',
  'occurredAt',
] as const;
export type Field = (typeof FIELDS)[number];

/**
 * By field. Of a CSV: the text of every column that the file has, empty where the cell is. Of NDJSON: whatever the object
 * has, as it is.
 */
export type RowData = Readonly<Partial<Record<Field, unknown>>>;

export interface Fault {
  /** From 1, in the file; of a row that spans several lines the first. */
  line: number;
  /** The field, or `column 3` where it is none; left out where the whole row is meant. */
  column?: string;
  message: string;
}

/** `unreadable`: what follows in the file cannot be told apart; it is the last. */
export interface BrokenRow {
  is: 'faulty' | 'unreadable';
  line: number;
  faults: Fault[];
}

/** Something stands there, and no field has a value: it is in columns that are left out, or stands for an empty cell. */
export interface EmptyRow {
  is: 'empty';
  line: number;
}

export type Row = { is: 'row'; line: number; data: RowData } | EmptyRow | BrokenRow;

/** A row whose fault is the whole row's. */
export function broken(is: BrokenRow['is'], line: number, message: string): BrokenRow {
  return { is, line, faults: [{ line, message }] };
}
