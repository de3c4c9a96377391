/**
 * A token pair, and the port of a store that shares it between processes.
 */

/** The result of one login or refresh. Times are in milliseconds since the epoch, by the client's clock. */
export interface TokenPair {
  readonly accessToken: string;
  /** Absent if Damoov refused it or returned none. */
  readonly refreshToken?: string;
  readonly obtainedAt: number;
  readonly expiresAt: number;
}

/** The store of the token pair. A fleet shares one; it holds secrets. */
export interface SessionStore {
  load(): Promise<TokenPair | undefined>;
  /**
   * Stores the pair in place of `over`, from which it was renewed. A shared store keeps a pair that another process has stored since:
   * this process may have been frozen during its renewal.
   */
  save(pair: TokenPair, over?: TokenPair): Promise<void>;
  /** Removes this pair, whose tokens are both invalid, but no newer one. */
  clear(spent: TokenPair): Promise<void>;
  /**
   * Runs the renewal while no other process runs one; without it two processes may refresh with the same token, and one is refused. The
   * renewal reads the store first. Both tokens rotate (documented). While another process renews, waits, or returns undefined at once if
   * `waits` is false.
   */
  exclusively?<T>(renew: () => Promise<T>, options: { readonly waits: boolean }): Promise<T | undefined>;
}

/** A store for one process, in memory. */
export function inMemorySessionStore(): SessionStore {
  let kept: TokenPair | undefined;
  return {
    load: async () => kept,
    save: async (pair) => {
      kept = pair;
    },
    clear: async (spent) => {
      if (kept?.accessToken === spent.accessToken) kept = undefined;
    },
  };
}
