/**
 * The users at Damoov to delete, and how their deletions name them. The caller decides whether they are deleted.
 */
import { isClientId } from '../contract/client-id.ts';
import type { Difference } from './differences.ts';

/** The ids in its deletion. */
export interface UnwantedUser {
  userId: string;
  clientId?: string;
}

/** `lookalikes`: orphaned, but perhaps meant by a row of the list. `young`: orphaned, but not known to be old enough. */
export interface LeftUsers {
  orphaned: number;
  lookalikes: number;
  young: number;
  duplicated: number;
}

export interface UnwantedUsers {
  /** The users to delete, so far. */
  readonly users: readonly UnwantedUser[];
  /** Number of differences that remain, so far. */
  readonly left: Readonly<LeftUsers>;
  take(difference: Difference): void;
}

/**
 * Collects them from the differences.
 * @param orphansBefore deletes unlisted users created before this, in epoch milliseconds: a user that signed up while the list was made
 * is not in it either. Undefined: deletes none.
 */
export function createUnwantedUsers(orphansBefore: number | undefined): UnwantedUsers {
  const users: UnwantedUser[] = [];
  const left = { orphaned: 0, lookalikes: 0, young: 0, duplicated: 0 };
  const namedClientIds = new Set<string>();

  /**
   * By both ids: then a user that got another clientId is not deleted, and a sign-up with the clientId cancels the deletion. But a
   * clientId has one pending deletion, so its other users are named by UserId, and so are users with an invalid clientId.
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
