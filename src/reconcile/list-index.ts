/**
 * A list of users in little memory: only fingerprints. Knows which clientIds are listed and the state of each; for names and values the
 * list is read again.
 */
import type { DamoovUser } from '../damoov/wire.ts';
import { checksum, fingerprint } from './fingerprint.ts';
import {
  COMPARED,
  type ComparedField,
  type ListedUser,
  type Values,
  comparable,
  valuesOf,
} from './listed-user.ts';

/**
 * The state of a listed user. `unseen`: on no page; `same`: as the list wants it, as far as Damoov shows it; `differing`;
 * `duplicated`: several users have the clientId; `missing`: looked up, but not there.
 */
export type RowState = 'unseen' | 'same' | 'differing' | 'duplicated' | 'missing';

/** One bit for each of {@link COMPARED}. */
type FieldMask = number;

/** Rows are numbered from 0, in the order of the list. Each row is one entry in each array. */
export class ListIndex {
  /** By the fingerprint of the clientId. */
  readonly #rows = new Map<string, number>();
  readonly #states: RowState[] = [];
  /** The compared fields of a row; once it is settled, those to update. */
  readonly #fields: FieldMask[] = [];
  /** A checksum of the listed values. */
  readonly #wanted: number[] = [];
  /** A checksum of the UserId on a page. */
  readonly #users: number[] = [];

  /** How many users the list has. */
  get size(): number {
    return this.#states.length;
  }

  /** Adds the next user of the list. False if its clientId is listed already. */
  add({ clientId, wanted }: Pick<ListedUser, 'clientId' | 'wanted'>): boolean {
    const key = fingerprint(clientId);
    if (this.#rows.has(key)) return false;
    const fields = maskOf(COMPARED.filter((field) => wanted[field] !== undefined));
    this.#rows.set(key, this.size);
    this.#states.push('unseen');
    this.#fields.push(fields);
    this.#wanted.push(printOf(wanted, fields));
    this.#users.push(0);
    return true;
  }

  has(clientId: string): boolean {
    return this.#rows.has(fingerprint(clientId));
  }

  /** Compares a user on a page, which may appear again. False if its clientId is not in the list. */
  see(user: DamoovUser & { readonly clientId: string }): boolean {
    const row = this.#rows.get(fingerprint(user.clientId));
    if (row === undefined) return false;
    const userPrint = checksum(user.userId);
    if (this.#states[row] === 'unseen') {
      this.#users[row] = userPrint;
      const isSame = this.#wanted[row] === printOf(valuesOf(user), this.#fields[row] ?? 0);
      this.#states[row] = isSame ? 'same' : 'differing';
    } else if (this.#users[row] !== userPrint) {
      this.#states[row] = 'duplicated';
    }
    return true;
  }

  stateOf(row: number): RowState {
    return this.#states[row] ?? 'unseen';
  }

  /** @param fields those that an update must write. */
  settle(row: number, state: RowState, fields: readonly ComparedField[] = []): void {
    this.#states[row] = state;
    this.#fields[row] = maskOf(fields);
  }

  /** The fields of a settled row that an update must write. */
  fieldsOf(row: number): ComparedField[] {
    return fieldsIn(this.#fields[row] ?? 0);
  }

  /** Whether a settled row needs an update. */
  isToUpdate(row: number): boolean {
    const state = this.stateOf(row);
    return (state === 'differing' || state === 'missing') && this.#fields[row] !== 0;
  }

  /** Number of users to update, once all are settled. */
  get toUpdate(): number {
    return this.#states.filter((_, row) => this.isToUpdate(row)).length;
  }

  /** Number of users that may differ from the list. */
  get doubtful(): number {
    return this.#states.filter((state) => state !== 'same').length;
  }

  /** Whether the list has this user in this row. */
  isAt(row: number, clientId: string): boolean {
    return this.#rows.get(fingerprint(clientId)) === row;
  }
}

function maskOf(fields: readonly ComparedField[]): FieldMask {
  return fields.reduce((bits, field) => bits | (1 << COMPARED.indexOf(field)), 0);
}

function fieldsIn(mask: FieldMask): ComparedField[] {
  return COMPARED.filter((_, index) => (mask & (1 << index)) !== 0);
}

function printOf(values: Values, mask: FieldMask): number {
  return checksum(JSON.stringify(fieldsIn(mask).map((field) => comparable(field, values[field]))));
}

export interface ListedRow {
  /** From 0. */
  row: number;
  user: ListedUser;
}

/**
 * The list, read again, by the rows of its index.
 * @throws Error if the list has changed.
 */
export async function* listedRows(
  list: AsyncIterable<ListedUser>,
  index: ListIndex,
): AsyncGenerator<ListedRow> {
  let row = 0;
  for await (const user of list) {
    if (!index.isAt(row, user.clientId)) throw changed();
    yield { row, user };
    row += 1;
  }
  if (row < index.size) throw changed();
}

function changed(): Error {
  return new Error('the list was changed during the comparison');
}
