/**
 * A list of users in little memory: of each only fingerprints, 48 to 64 bytes, so that a million fit anywhere. Knows by
 * clientId who is in the list and what became of each; names and values it has forgotten, and the list has to be read again for them.
 */
import type { DamoovUser } from '../damoov/wire.ts';
import { fingerprint } from './fingerprint.ts';
import { COMPARED, type ComparedField, type ListedUser, comparable } from './listed-user.ts';

/**
 * What became of a user in the list. `unseen`: on no page; `same`: as the list wants it; `differing`; `duplicated`: several
 * users have the clientId; `missing`: looked for, and not there.
 */
export type RowState = (typeof STATES)[number];
const STATES = ['unseen', 'same', 'differing', 'duplicated', 'missing'] as const;

/** Of 32-bit numbers: the fingerprint of the clientId, that of the UserId, one for each field, and the state. */
const KEY = 0;
const USER = 2;
const FIELDS = 4;
const STATE = FIELDS + COMPARED.length;
const WIDTH = STATE + 1;

/** A field that is not compared. */
const NOT_COMPARED = 0;
/** At most two of three slots are taken. */
const slotsFor = (rows: number) => 2 ** Math.ceil(Math.log2((rows * 3) / 2));

export class ListIndex {
  #capacity = 1024;
  #rows = new Uint32Array(this.#capacity * WIDTH);
  /** By the fingerprint of the clientId, linearly probed: a row's number from 1, 0 where there is none. */
  #slots = new Uint32Array(slotsFor(this.#capacity));
  #size = 0;

  /** How many users the list has. */
  get size(): number {
    return this.#size;
  }

  /** What it holds in memory, in bytes. */
  get bytes(): number {
    return this.#rows.byteLength + this.#slots.byteLength;
  }

  /** The next user of the list. False where its clientId is there already. */
  add({ clientId, wanted }: Pick<ListedUser, 'clientId' | 'wanted'>): boolean {
    if (this.#size === this.#capacity) this.#grow();
    const key = fingerprint(clientId);
    const slot = this.#slotOf(key);
    if (this.#slots[slot] !== 0) return false;
    const at = this.#size * WIDTH;
    this.#rows.set(key, at + KEY);
    for (const [index, field] of COMPARED.entries()) {
      const value = wanted[field];
      this.#rows[at + FIELDS + index] = value === undefined ? NOT_COMPARED : fieldPrint(field, value);
    }
    this.#size += 1;
    this.#slots[slot] = this.#size;
    return true;
  }

  has(clientId: string): boolean {
    return this.#slots[this.#slotOf(fingerprint(clientId))] !== 0;
  }

  /** Compares a user who was seen at Damoov, once or several times. False where its clientId is not in the list. */
  see(user: DamoovUser & { readonly clientId: string }): boolean {
    const row = (this.#slots[this.#slotOf(fingerprint(user.clientId))] ?? 0) - 1;
    if (row < 0) return false;
    const at = row * WIDTH;
    const [one, other] = fingerprint(user.userId);
    if (this.stateOf(row) !== 'unseen') {
      const isSameUser = this.#rows[at + USER] === one && this.#rows[at + USER + 1] === other;
      if (!isSameUser) this.settle(row, 'duplicated');
      return true;
    }
    this.#rows.set([one, other], at + USER);
    const differs = COMPARED.some((field, index) => {
      const wanted = this.#rows[at + FIELDS + index];
      return wanted !== NOT_COMPARED && wanted !== fieldPrint(field, user[field]);
    });
    this.settle(row, differs ? 'differing' : 'same');
    return true;
  }

  /** @param row from 0, in the order of the list. */
  stateOf(row: number): RowState {
    return STATES[(this.#rows[row * WIDTH + STATE] ?? 0) & 0xff] ?? 'unseen';
  }

  /** @param fields those that differ. */
  settle(row: number, state: RowState, fields: readonly ComparedField[] = []): void {
    const mask = fields.reduce((bits, field) => bits | (1 << COMPARED.indexOf(field)), 0);
    this.#rows[row * WIDTH + STATE] = STATES.indexOf(state) | (mask << 8);
  }

  /** The fields that differ, where they were settled. */
  fieldsOf(row: number): ComparedField[] {
    const mask = (this.#rows[row * WIDTH + STATE] ?? 0) >>> 8;
    return COMPARED.filter((_, index) => (mask & (1 << index)) !== 0);
  }

  /** How many are not as the list wants them, as far as it is known. */
  get doubtful(): number {
    let count = 0;
    for (let row = 0; row < this.#size; row += 1) if (this.stateOf(row) !== 'same') count += 1;
    return count;
  }

  /** Whether the list has this user at this place. */
  isAt(row: number, clientId: string): boolean {
    return this.#slots[this.#slotOf(fingerprint(clientId))] === row + 1;
  }

  /** The slot of the row with this key, or the free one where it would be. */
  #slotOf([one, other]: readonly [number, number]): number {
    const mask = this.#slots.length - 1;
    for (let slot = one & mask; ; slot = (slot + 1) & mask) {
      const row = this.#slots[slot] ?? 0;
      if (row === 0) return slot;
      const at = (row - 1) * WIDTH + KEY;
      if (this.#rows[at] === one && this.#rows[at + 1] === other) return slot;
    }
  }

  #grow(): void {
    this.#capacity = Math.ceil(this.#capacity * 1.5);
    const rows = new Uint32Array(this.#capacity * WIDTH);
    rows.set(this.#rows);
    this.#rows = rows;
    const slots = slotsFor(this.#capacity);
    if (slots === this.#slots.length) return;
    this.#slots = new Uint32Array(slots);
    for (let row = 0; row < this.#size; row += 1) {
      const at = row * WIDTH + KEY;
      this.#slots[this.#slotOf([this.#rows[at] ?? 0, this.#rows[at + 1] ?? 0])] = row + 1;
    }
  }
}

export interface ListedRow {
  /** From 0. */
  row: number;
  user: ListedUser;
}

/**
 * The list, read again, by the rows of its index.
 * @throws Error where it is another list by now.
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
  return new Error('the list has changed while it was compared');
}

/** Of two values that differ one in four thousand million is taken for the same. */
function fieldPrint(field: ComparedField, value: string | undefined): number {
  return fingerprint(comparable(field, value))[0] || 1;
}
