/**
 * Lets steps run one after the other that would only get in each other's way. Knows nothing of what they do.
 */

export type Turns = <T>(name: string, step: () => Promise<T>) => Promise<T>;

/** Steps under one name run one at a time, in the order in which they came, however the one before has ended. */
export function createTurns(): Turns {
  const last = new Map<string, Promise<unknown>>();
  return async (name, step) => {
    const turn = (last.get(name) ?? Promise.resolve()).then(step, step);
    last.set(name, turn);
    return turn;
  };
}
