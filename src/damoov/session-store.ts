/**
 * A token pair, and what a place that keeps it for several processes has to promise.
 */

/** What one login or refresh has brought. Times are in milliseconds since the epoch, by the client's clock. */
export interface TokenPair {
  readonly accessToken: string;
  /** Absent once Damoov has refused it, or where it gave none. */
  readonly refreshToken?: string;
  readonly obtainedAt: number;
  readonly expiresAt: number;
}

/** Where the token pair is kept. A fleet shares one; it holds secrets. */
export interface SessionStore {
  load(): Promise<TokenPair | undefined>;
  /**
   * Stores the pair in place of the one it was renewed from, `over`. Where the store is shared it leaves alone what another
   * process has stored since: a process may have been frozen during its renewal.
   */
  save(pair: TokenPair, over?: TokenPair): Promise<void>;
  /** Forgets this pair, of which neither token is good any more, and no newer one. */
  clear(spent: TokenPair): Promise<void>;
  /**
   * Runs the renewal while no other process runs one; without it two processes may refresh with the same token, and one
   * of them is refused. The renewal looks into the store first. Both tokens rotate (documented). Where another process is
   * at it, waits for its turn, or answers undefined at once if it is not to wait.
   */
  exclusively?<T>(renew: () => Promise<T>, options: { readonly waits: boolean }): Promise<T | undefined>;
}

/** A store for one process that forgets with it. */
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
