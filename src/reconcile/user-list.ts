/**
 * The users of a list, in its order, and what the comparison finds out about each.
 */
import type { DamoovUser } from '../damoov/wire.ts';
import {
  type ComparedField,
  type ListedUser,
  differingFields,
  unknownFields,
  valuesOf,
} from './listed-user.ts';

/**
 * The state of a listed user. `unseen`: on no page; `same`: as the list wants it; `differing`, or Damoov does not show it;
 * `duplicated`: several users have the clientId; `missing`: looked up, but not there.
 */
export type ListedState = 'unseen' | 'same' | 'differing' | 'duplicated' | 'missing';

export interface ListEntry {
  readonly user: ListedUser;
  state: ListedState;
  /** The fields that an update must write, once the user was looked up. */
  toUpdate: readonly ComparedField[];
}

export class UserList {
  readonly #entries = new Map<string, ListEntry>();
  /** By clientId: the UserId on a page. */
  readonly #seen = new Map<string, string>();

  get size(): number {
    return this.#entries.size;
  }

  /** Adds the next user of the list. False if its clientId is listed already. */
  add(user: ListedUser): boolean {
    if (this.#entries.has(user.clientId)) return false;
    this.#entries.set(user.clientId, { user, state: 'unseen', toUpdate: [] });
    return true;
  }

  has(clientId: string): boolean {
    return this.#entries.has(clientId);
  }

  /** Compares a user on a page, which may appear again. False if its clientId is not in the list. */
  see(user: DamoovUser & { readonly clientId: string }): boolean {
    const { clientId, userId } = user;
    const entry = this.#entries.get(clientId);
    if (entry === undefined) return false;
    if (entry.state === 'unseen') {
      const values = valuesOf(user);
      const others = [...differingFields(entry.user, values), ...unknownFields(entry.user, values)];
      entry.state = others.length === 0 ? 'same' : 'differing';
      this.#seen.set(clientId, userId);
    } else if (this.#seen.get(clientId) !== userId) {
      entry.state = 'duplicated';
    }
    return true;
  }

  all(): ListEntry[] {
    return [...this.#entries.values()];
  }

  /** The users that may differ from the list. */
  get doubtful(): ListEntry[] {
    return this.all().filter(({ state }) => state !== 'same');
  }

  /** The users that an update makes as the list wants them, once all were looked up. */
  get toUpdate(): ListEntry[] {
    return this.all().filter(({ toUpdate }) => toUpdate.length > 0);
  }
}
