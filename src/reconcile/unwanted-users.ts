/**
 * Which users at Damoov are to go, and how their deletions name them. Knows the differences; whether anybody wants a deletion
 * is decided elsewhere.
 */
import { isClientId } from '../contract/client-id.ts';
import type { Difference } from './differences.ts';

/** As its deletion names it. */
export interface UnwantedUser {
  userId: string;
  clientId?: string;
}

/** `lookalikes`: orphaned, and perhaps meant by a row of the list. `young`: orphaned, and not known to be old enough. */
export interface LeftUsers {
  orphaned: number;
  lookalikes: number;
  young: number;
  duplicated: number;
}

export interface UnwantedUsers {
  /** Those to be deleted, so far. */
  readonly users: readonly UnwantedUser[];
  /** How many differences are left as they are, so far. */
  readonly left: Readonly<LeftUsers>;
  take(difference: Difference): void;
}

/**
 * Collects them from the differences.
 * @param orphansBefore those go that are not in the list and were created before this, in epoch milliseconds: whoever signed up
 *   while the list was made is not in it either. Undefined: all are left as they are.
 */
export function createUnwantedUsers(orphansBefore: number | undefined): UnwantedUsers {
  const users: UnwantedUser[] = [];
  const left = { orphaned: 0, lookalikes: 0, young: 0, duplicated: 0 };
  const namedClientIds = new Set<string>();

  /**
   * By both ids: who has another clientId by then is not deleted, and a sign-up under it undoes the deletion. But a clientId has one
   * pending deletion, so that further users of it are named by their UserId, and so is who has one that no job may name.
   */
  function named({ userId, clientId }: UnwantedUser): UnwantedUser {
    if (clientId === undefined || !isClientId(clientId) || namedClientIds.has(clientId)) return { userId };
    namedClientIds.add(clientId);
    return { userId, clientId };
  }

  return {
    users,
    left,
    take(difference) {
      if (difference.kind === 'duplicated') left.duplicated += 1;
      if (difference.kind !== 'orphaned') return;
      if (orphansBefore === undefined) left.orphaned += 1;
      else if (difference.looksLikeLine !== undefined) left.lookalikes += 1;
      else if (Date.parse(difference.createdAt ?? '') < orphansBefore) users.push(named(difference));
      else left.young += 1;
    },
  };
}
