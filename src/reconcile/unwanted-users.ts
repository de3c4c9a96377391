/**
 * Which users at Damoov are to go, and how their deletions name them. Knows the differences; whether anybody wants a deletion
 * is decided elsewhere.
 */
import { isClientId } from '../contract/client-id.ts';
import type { Instance } from '../operations/context.ts';
import { deriveUserId } from '../operations/derive-user-id.ts';
import type { Difference } from './differences.ts';

/** Which of the users of one clientId stays: the one whose UserId we derived, the oldest, the newest. */
export const KEEPERS = ['ours', 'oldest', 'newest'] as const;
export type Keeper = (typeof KEEPERS)[number];

/** As its deletion names it. */
export interface UnwantedUser {
  userId: string;
  clientId?: string;
}

export interface UnwantedOptions {
  /**
   * Those go that are not in the list and were created before this, in epoch milliseconds. Whoever signed up while the list was
   * made is not in it either. Undefined: all are left as they are.
   */
  orphansBefore?: number | undefined;
  /** Those go, too, whom a row of the list may mean. */
  lookalikes?: boolean | undefined;
  /** Undefined: duplicates are left as they are. */
  duplicatesBut?: Keeper | undefined;
  /** Of which a UserId is ours. */
  instance: Pick<Instance, 'id' | 'secret'>;
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

/** So many times somebody may have been deleted and signed up again. */
const MOST_GENERATIONS = 16;

/** Collects them from the differences. */
export function createUnwantedUsers({
  orphansBefore,
  lookalikes = false,
  duplicatesBut,
  instance,
}: UnwantedOptions): UnwantedUsers {
  const users: UnwantedUser[] = [];
  const left = { orphaned: 0, lookalikes: 0, young: 0, duplicated: 0 };
  const namedClientIds = new Set<string>();

  return {
    users,
    left,
    take(difference) {
      if (difference.kind === 'orphaned') {
        if (orphansBefore === undefined) left.orphaned += 1;
        else if (difference.looksLikeLine !== undefined && !lookalikes) left.lookalikes += 1;
        else if (Date.parse(difference.createdAt ?? '') < orphansBefore) users.push(named(difference));
        else left.young += 1;
      } else if (difference.kind === 'duplicated') {
        const kept = duplicatesBut && keptOf(difference, duplicatesBut, instance);
        if (kept === undefined) left.duplicated += 1;
        // By the UserId alone: the clientId is that of the user who stays.
        else users.push(...difference.userIds.filter((id) => id !== kept).map((userId) => ({ userId })));
      }
    },
  };

  /**
   * By both ids: who has another clientId by then is not deleted, and a sign-up under it undoes the deletion. But a clientId has one
   * pending deletion, so that further users of it are named by their UserId, and so is who has one that no job may name.
   */
  function named({ userId, clientId }: UnwantedUser): UnwantedUser {
    if (clientId === undefined || !isClientId(clientId) || namedClientIds.has(clientId)) return { userId };
    namedClientIds.add(clientId);
    return { userId, clientId };
  }
}

/** Undefined where none of them is ours. */
function keptOf(
  { clientId, userIds }: Extract<Difference, { kind: 'duplicated' }>,
  keeper: Keeper,
  instance: UnwantedOptions['instance'],
): string | undefined {
  switch (keeper) {
    case 'oldest':
      return userIds[0];
    case 'newest':
      return userIds.at(-1);
    case 'ours':
      // The last one: those before it were deleted.
      return Array.from({ length: MOST_GENERATIONS }, (_, generation) =>
        deriveUserId(instance, { clientId }, generation),
      ).findLast((ours) => userIds.includes(ours));
  }
}
