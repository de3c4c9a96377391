/**
 * Orders a producer's calls by the timestamps of its jobs: two jobs of one user within a millisecond would otherwise be ordered by their
 * ids.
 */

/** Minimum number of remembered users; those of the current millisecond are never forgotten. */
const REMEMBERED = 1000;

export interface CallOrder {
  /** The timestamp of the next job of this user, in epoch milliseconds: now, or one more than the last. */
  nextStamp(user: { clientId?: unknown; userId?: unknown; instance?: unknown }): number;
}

/** One for all calls of a producer. */
export function createCallOrder(now: () => number): CallOrder {
  const last = new Map<string, number>();
  return {
    nextStamp({ clientId, userId, instance = 'default' }) {
      const time = now();
      const names = [
        ['client', clientId],
        ['user', typeof userId === 'string' ? userId.toLowerCase() : undefined],
      ].flatMap(([kind, id]) => (id === undefined ? [] : [JSON.stringify([instance, kind, id])]));
      const stamp = Math.max(time, ...names.map((name) => (last.get(name) ?? 0) + 1));
      for (const name of names) last.set(name, stamp);
      if (last.size > 2 * REMEMBERED) {
        for (const [name, stamp] of last) if (stamp < time) last.delete(name);
      }
      return stamp;
    },
  };
}
